"""Options of samplers and estimators."""

from __future__ import annotations

import copy
import pickle
from typing import Any

import pytest

from longwire.errors import InvalidOptionError
from longwire.primitive_options import EstimatorOptions, PrimitiveOptions, SamplerOptions


def test_options_have_the_defaults_of_qiskits_primitives() -> None:
    assert SamplerOptions().default_shots == 1024
    assert EstimatorOptions().default_precision is None
    assert SamplerOptions().seed_simulator is None
    assert SamplerOptions().run_options is None


@pytest.mark.parametrize(
    "given",
    [
        {"default_shots": 5, "run_options": {"method": "statevector"}},
        SamplerOptions(default_shots=5, run_options={"method": "statevector"}),
    ],
    ids=["dictionary", "object"],
)
def test_options_are_given_as_a_dictionary_or_an_object(given: Any) -> None:
    options = SamplerOptions.of(given)
    assert (options.default_shots, options.run_options) == (5, {"method": "statevector"})
    options.default_shots = 7
    assert SamplerOptions.of(given).default_shots == 5


@pytest.mark.parametrize(
    ("options_class", "name", "hint"),
    [
        (SamplerOptions, "default_shot", "default_shots"),
        (SamplerOptions, "shots", "did you mean default_shots"),
        (EstimatorOptions, "precision", "did you mean default_precision"),
        (SamplerOptions, "seed", "seed_simulator"),
        (SamplerOptions, "backend_options", "run_options"),
        (SamplerOptions, "xyz", "there are seed_simulator"),
        (EstimatorOptions, "default_shots", "EstimatorOptions"),
        (EstimatorOptions, "abelian_groups", "abelian_grouping"),
    ],
)
def test_unknown_option_is_refused_with_what_to_use_instead(
    options_class: type[PrimitiveOptions], name: str, hint: str
) -> None:
    with pytest.raises(InvalidOptionError, match=f"'{name}'.*{hint}|{hint}.*'{name}'"):
        options_class.of({name: 1})
    with pytest.raises(InvalidOptionError, match=name):
        setattr(options_class(), name, 1)


def test_options_of_another_primitive_are_refused() -> None:
    with pytest.raises(InvalidOptionError, match="dictionary or SamplerOptions"):
        SamplerOptions.of(EstimatorOptions())  # type: ignore[arg-type]


def test_options_survive_copy_and_pickle() -> None:
    options = EstimatorOptions(default_precision=0.1, seed_simulator=3)
    assert copy.copy(options) == pickle.loads(pickle.dumps(options)) == options

"""Pulse defaults are plain data in SI units."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from longwire.errors import BackendConfigurationError
from longwire.providers.models import (
    Command,
    Discriminator,
    MeasurementKernel,
    PulseDefaults,
    PulseInstruction,
    PulseLibraryItem,
)

DOCUMENT: dict[str, Any] = {
    "qubit_freq_est": [4.5, 4.75],
    "meas_freq_est": [7.0, 7.125],
    "buffer": 10,
    "pulse_library": [{"name": "ramp", "samples": [[0.0, 0.5], [0.25, -0.0]]}],
    "cmd_def": [
        {
            "name": "sx",
            "qubits": [0],
            "sequence": [{"name": "fc", "t0": 0, "ch": "d0", "phase": 1.5}],
        },
        {"name": "bare"},
    ],
    "meas_kernel": {"name": "boxcar", "params": {"start_window": 0}},
    "discriminator": {"name": "linear", "params": {}},
    "comment": "x",
}


@pytest.fixture
def defaults() -> PulseDefaults:
    return PulseDefaults.from_dict(DOCUMENT)


def test_document_comes_back_and_is_not_changed() -> None:
    document = copy.deepcopy(DOCUMENT)
    assert PulseDefaults.from_dict(document).to_dict() == DOCUMENT
    assert document == DOCUMENT


def test_frequencies_are_in_hertz_and_each_keeps_its_own(defaults: PulseDefaults) -> None:
    assert defaults.qubit_freq_est == [4.5e9, 4.75e9]
    assert defaults.meas_freq_est == [7.0e9, 7.125e9]


def test_parts_are_models_with_attributes(defaults: PulseDefaults) -> None:
    assert defaults.cmd_def[0].sequence[0].phase == 1.5
    assert defaults.cmd_def[0].sequence[0].ch == "d0"
    assert not hasattr(defaults.cmd_def[1], "sequence")
    assert defaults.meas_kernel == MeasurementKernel("boxcar", {"start_window": 0})
    assert defaults.discriminator == Discriminator("linear", {})
    assert defaults.comment == "x"


def test_samples_are_a_complex_array(defaults: PulseDefaults) -> None:
    samples = defaults.pulse_library[0].samples
    assert samples.dtype == np.complex128
    np.testing.assert_array_equal(samples, [0.5j, 0.25 - 0.0j])


def test_samples_keep_infinities_and_signs_of_zero() -> None:
    pairs = [[-0.0, np.inf], [np.inf, -0.0]]
    result = PulseLibraryItem("odd", pairs).to_dict()["samples"]
    assert str(result) == str([[-0.0, float("inf")], [float("inf"), -0.0]])


@pytest.mark.parametrize("samples", [[[1, 2, 3]], ["x"], [[[1]]], 5])
def test_samples_of_another_form_are_refused(samples: Any) -> None:
    with pytest.raises(BackendConfigurationError, match="ramp: its samples"):
        PulseLibraryItem("ramp", samples)


def test_parts_are_made_by_their_constructors(defaults: PulseDefaults) -> None:
    made = PulseDefaults(
        [4.5, 4.75],
        [7.0, 7.125],
        10,
        [PulseLibraryItem("ramp", np.array([0.5j, complex(0.25, -0.0)]))],
        [Command("sx", [0], [PulseInstruction("fc", 0, "d0", phase=1.5)]), Command("bare")],
        MeasurementKernel("boxcar", {"start_window": 0}),
        Discriminator("linear", {}),
        comment="x",
    )
    assert made == defaults


def test_least_document_of_the_schema_is_read() -> None:
    least = {"qubit_freq_est": [5.0], "meas_freq_est": [7.0], "buffer": 0, "pulse_library": []}
    assert PulseDefaults.from_dict(least).to_dict() == least


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"pulse_library": [{"name": "x"}]}, r"pulse_library\[0\]: .*lacks samples"),
        ({"cmd_def": [{"name": "x", "sequence": [{}]}]}, r"cmd_def\[0\]: sequence\[0\]: .*name"),
        ({"meas_kernel": {"name": "x"}}, "meas_kernel: .*lacks params"),
        ({"discriminator": 5}, "discriminator: a JSON object is needed"),
    ],
)
def test_document_that_cannot_be_read_names_the_place(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(BackendConfigurationError, match=message):
        PulseDefaults.from_dict({**DOCUMENT, **changes})


def test_pulse_defaults_repr_is_short(defaults: PulseDefaults) -> None:
    assert repr(defaults) == "<PulseDefaults(2 qubits, 1 pulses)>"

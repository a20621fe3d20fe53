"""From the arguments of ``backend.run`` to the job that is sent."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from circuits import bell
from qiskit.circuit import Parameter, QuantumCircuit

from longwire.errors import InvalidOptionError
from longwire.run_spec import run_spec, transpile_options
from longwire.v1.backend_pb2 import Backend
from longwire.v1.program_pb2 import ProgramFormat, ProgramFormatSupport, TranspileOptions

BACKEND = Backend(
    name="lab",
    accepted_programs=[
        ProgramFormatSupport(
            format=ProgramFormat.PROGRAM_FORMAT_QPY, min_version=13, max_version=13
        )
    ],
)


def test_job_holds_the_circuits_the_options_and_the_labels() -> None:
    spec = run_spec(
        BACKEND,
        bell(),
        options={"shots": 7, "seed_simulator": None, "method": "fast"},
        job_name="mine",
        job_tags=["a", "b"],
    )
    assert (spec.backend_name, spec.name, list(spec.tags)) == ("lab", "mine", ["a", "b"])
    assert spec.program.format == ProgramFormat.PROGRAM_FORMAT_QPY
    assert spec.program.qpy_version == 13
    assert spec.options.shots == 7
    assert not spec.options.HasField("seed_simulator")
    assert [field.name for field in spec.options.backend_options.fields] == ["method"]
    assert not spec.HasField("transpile")


def test_parameter_binds_travel_as_an_array_beside_one_circuit() -> None:
    angle = Parameter("angle")
    circuit = QuantumCircuit(1)
    circuit.rx(angle, 0)
    spec = run_spec(BACKEND, circuit, options={"parameter_binds": [{angle: [0.1, 0.2, 0.3]}]})
    (values,) = spec.options.parameter_values
    assert list(values.parameter_names) == ["angle"]
    assert list(values.values.shape) == [3, 1]


def test_single_text_in_place_of_tags_is_refused() -> None:
    with pytest.raises(InvalidOptionError, match=r"write \['mine'\]"):
        run_spec(BACKEND, bell(), options={}, job_tags="mine")


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"job_name": 3}, "job_name must be text, not 3"),
        ({"job_tags": ["a", 3]}, r"job_tags must be a list of texts, not \['a', 3\]"),
        ({"job_tags": 3}, "job_tags must be a list of texts, not 3"),
    ],
    ids=["name", "tag", "tags"],
)
def test_label_that_is_no_text_is_refused(labels: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidOptionError, match=words):
        run_spec(BACKEND, bell(), options={}, **labels)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, None),
        ({"transpile": False}, None),
        ({"transpile": True}, TranspileOptions()),
        ({"optimization_level": 0}, TranspileOptions(optimization_level=0)),
        (
            {"transpile": True, "optimization_level": np.int64(3), "seed_transpiler": 5},
            TranspileOptions(optimization_level=3, seed_transpiler=5),
        ),
        ({"initial_layout": [4, 0]}, TranspileOptions(initial_layout=[4, 0])),
    ],
    ids=["nothing", "false", "true", "level", "level and seed", "layout"],
)
def test_server_transpiles_where_any_argument_asks_for_it(
    arguments: dict[str, Any], expected: TranspileOptions | None
) -> None:
    assert transpile_options(**arguments) == expected


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"transpile": 1}, "True or False, not 1"),
        ({"transpile": False, "optimization_level": 2}, "no use for optimization_level"),
        ({"optimization_level": 4}, "optimization_level must be an integer from 0 to 3, not 4"),
        ({"optimization_level": True}, "0 to 3, not True"),
        ({"seed_transpiler": -1}, "seed_transpiler"),
        ({"initial_layout": "01"}, "list of the physical qubits.*not str"),
        ({"initial_layout": {0: 1}}, "list of the physical qubits.*not dict"),
        ({"initial_layout": [1, 1]}, "twice"),
        ({"initial_layout": [0.5]}, "each of initial_layout must be an integer.*0.5"),
    ],
    ids=lambda value: value if isinstance(value, str) else "-".join(value),
)
def test_transpile_argument_of_another_form_is_refused(
    arguments: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidOptionError, match=words):
        transpile_options(**arguments)

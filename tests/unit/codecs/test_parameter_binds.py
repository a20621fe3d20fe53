"""``parameter_binds`` as Aer takes it becomes one array a circuit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from qiskit import QuantumCircuit
from qiskit.circuit import Parameter, ParameterVector

from longwire.codecs.parameter_binds import parameter_binds_to_proto
from longwire.codecs.parameter_values import parameter_values_from_proto
from longwire.errors import InvalidOptionError, InvalidProgramError, LongwireError
from longwire.qobj.assemble import assemble

THETA, PHI = Parameter("theta"), Parameter("phi")
VECTOR = ParameterVector("v", 11)
QASM = "OPENQASM 3.0; input float theta; qubit q; rx(theta) q;"


def rotated(name: str = "rotated") -> QuantumCircuit:
    circuit = QuantumCircuit(1, name=name)
    circuit.rx(THETA + PHI, 0)
    return circuit


def along_vector() -> QuantumCircuit:
    circuit = QuantumCircuit(1, name="along")
    for element in VECTOR:
        circuit.rx(element, 0)
    return circuit


def tables(circuits: Any, binds: Any) -> list[tuple[list[str], list[Any]]]:
    found = map(parameter_values_from_proto, parameter_binds_to_proto(circuits, binds))
    return [(names, values.tolist()) for names, values in found]


@pytest.mark.parametrize("nothing", [None, [], ()], ids=repr)
def test_nothing_to_bind_is_no_values(nothing: Any) -> None:
    assert parameter_binds_to_proto(rotated(), nothing) == []


def test_values_come_in_the_order_of_the_circuits_parameters() -> None:
    binds = [{THETA: [0.1, 0.2, 0.3], PHI: [1, 2, 3]}]
    expected = [(["phi", "theta"], [[1, 0.1], [2, 0.2], [3, 0.3]])]
    assert tables(rotated(), binds) == tables([rotated()], tuple(binds)) == expected


@pytest.mark.parametrize(
    "values",
    [[1.0, 2.0], (1, 2), np.array([1, 2], np.int8), np.array([1, 2], ">f4"), range(1, 3)],
    ids=["list", "tuple", "integers", "big-endian", "range"],
)
def test_values_are_taken_in_every_form_of_numbers(values: Any) -> None:
    assert tables(rotated(), [{THETA: values, PHI: [0, 0]}]) == [
        (["phi", "theta"], [[0, 1], [0, 2]])
    ]


def test_single_number_holds_at_every_point() -> None:
    expected = [(["phi", "theta"], [[5, 1], [5, 2]])]
    assert tables(rotated(), [{THETA: [1, 2], PHI: np.float32(5)}]) == expected
    assert tables(rotated(), [{THETA: 1, PHI: 2.0}]) == [(["phi", "theta"], [[2, 1]])]


def test_names_and_elements_of_vectors_are_keys_as_well() -> None:
    assert tables(rotated(), [{"theta": [1], PHI: [2]}]) == [(["phi", "theta"], [[2, 1]])]
    by_element = {element: [index] for index, element in enumerate(VECTOR)}
    by_name = {f"v[{index}]": [index] for index in reversed(range(11))}
    names = [f"v[{index}]" for index in range(11)]
    assert tables(along_vector(), [by_element]) == tables(along_vector(), [by_name])
    assert tables(along_vector(), [by_element]) == [(names, [list(range(11))])]


def test_circuit_without_parameters_has_one_point() -> None:
    plain = QuantumCircuit(1)
    assert tables([plain, rotated()], [{}, {THETA: [1], PHI: [2]}]) == [
        ([], [[]]),
        (["phi", "theta"], [[2, 1]]),
    ]


def test_text_is_bound_by_names_that_the_server_checks() -> None:
    assert tables(QASM, [{"theta": [1, 2]}]) == [(["theta"], [[1], [2]])]
    assert tables([QASM], [{THETA: 3}]) == [(["theta"], [[3]])]


@pytest.mark.parametrize(
    ("binds", "complaint"),
    [
        ([{THETA: [1]}], r"circuit 0 \('rotated'\): parameters without values .*: phi"),
        ([{}], r"circuit 0 \('rotated'\): parameters without values .*: phi, theta"),
        (
            [{THETA: [1], PHI: [1], "psi": [1]}],
            r"circuit 0 \('rotated'\): it has no parameter 'psi'; its parameters: phi, theta",
        ),
        ([{THETA: [1], Parameter("phi"): [1]}], "the parameter 'phi' given is another of the same"),
        ([{THETA: [1], "theta": [1], PHI: [1]}], "the parameter 'theta' is given twice"),
        ([{THETA: [1, 2], PHI: [1, 2, 3]}], "parameter 'theta' has length 2, that for 'phi' 3"),
        ([{THETA: [1], PHI: []}], "the parameter 'phi' has no values"),
        ([{THETA: [1], PHI: [1j]}], "the values of parameter 'phi' are complex"),
        ([{THETA: [1], PHI: ["x"]}], "the values of parameter 'phi' are no numbers"),
        ([{THETA: [1], PHI: None}], "the values of parameter 'phi' are no numbers"),
        ([{THETA: [1], PHI: THETA}], "the values of parameter 'phi' are no numbers"),
        ([{THETA: [1], PHI: [[1], [1, 2]]}], "the values of parameter 'phi' are no numbers"),
        ([{THETA: [1], PHI: [[1, 2]]}], r"the values of parameter 'phi' have the shape \(1, 2\)"),
        ([{THETA: [1, 2], PHI: [1, float("nan")]}], "nan of parameter 'phi' at point .*not finite"),
        ([{VECTOR: [1]}], r"a key of parameter_binds is of type ParameterVector"),
    ],
    ids=[
        *["missing", "all-missing", "unknown", "namesake", "twice", "lengths", "no-point"],
        *["complex", "text", "none", "parameter", "ragged", "table", "nan", "vector"],
    ],
)
def test_values_that_do_not_fit_are_refused_with_circuit_and_parameter(
    binds: Any, complaint: str
) -> None:
    with pytest.raises(InvalidProgramError, match=complaint) as caught:
        parameter_binds_to_proto([rotated()], binds)
    assert caught.value.reason == "PROGRAM_INVALID"


@pytest.mark.parametrize(
    ("circuits", "binds", "complaint"),
    [
        (rotated(), {THETA: [1], PHI: [1]}, "must be a list of dictionaries"),
        (rotated(), [[1]], "must be a list of dictionaries"),
        ([rotated()], [{}, {}], "2 dictionaries for 1 circuits"),
        ([rotated(), rotated()], [{}], "1 dictionaries for 2 circuits"),
        (assemble([QuantumCircuit(1)]), [{}], "type QasmQobj has no parameters"),
        (None, [{}], "type NoneType has no parameters"),
    ],
    ids=["no-list", "no-dictionaries", "more", "fewer", "qobj", "nothing"],
)
def test_option_of_the_wrong_form_is_refused(circuits: Any, binds: Any, complaint: str) -> None:
    with pytest.raises(InvalidOptionError, match=complaint):
        parameter_binds_to_proto(circuits, binds)


def test_second_circuit_at_fault_is_named() -> None:
    circuits = [rotated("good"), rotated("bad")]
    with pytest.raises(LongwireError, match=r"circuit 1 \('bad'\)"):
        parameter_binds_to_proto(circuits, [{THETA: 1, PHI: 2}, {THETA: 1}])
    with pytest.raises(LongwireError, match=r"circuit 0: the values"):
        parameter_binds_to_proto([QASM], [{"theta": [1j]}])

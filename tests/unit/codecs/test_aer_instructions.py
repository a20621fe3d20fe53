"""Aer's save and set instructions survive the wire: a seeded run gives the same result."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Instruction
from qiskit.quantum_info import (
    Clifford,
    DensityMatrix,
    Operator,
    Pauli,
    SparsePauliOp,
    StabilizerState,
    Statevector,
    SuperOp,
)
from qiskit_aer import AerSimulator, library
from qiskit_aer.noise import depolarizing_error

from longwire.codecs.program import program_from_proto, program_to_proto
from longwire.codecs.result import decode_result, encode_result
from longwire.errors import InvalidProgramError
from longwire.v1 import program_pb2

OBSERVABLE = SparsePauliOp(["XX", "ZI", "II"], [0.3, -1.25, 2.0])


def round_trip(circuit: QuantumCircuit) -> QuantumCircuit:
    message = program_to_proto(circuit)
    (received,) = program_from_proto(program_pb2.Program.FromString(message.SerializeToString()))
    return received


def prepared() -> QuantumCircuit:
    circuit = QuantumCircuit(2, 2, name="prepared")
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.s(1)
    circuit.measure(0, 0)
    return circuit


def portable(value: object) -> object:
    """Data in a form that compares exactly: objects by class and numbers."""
    if isinstance(value, dict):
        return {name: portable(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value), [portable(member) for member in value]
    if isinstance(value, StabilizerState):
        value = value.clifford
    if isinstance(value, Clifford):
        value = value.tableau
    value = getattr(value, "data", value) if hasattr(value, "_op_shape") else value
    if isinstance(value, np.ndarray):
        return value.dtype, value.shape, value.tobytes()
    return value


def run(circuit: QuantumCircuit, method: str) -> object:
    simulator = AerSimulator(method=method)
    return simulator.run(circuit, shots=20, seed_simulator=11).result()


def assert_runs_alike(circuit: QuantumCircuit, method: str) -> None:
    local = run(circuit, method)
    assert local.success, local.status
    remote = decode_result(encode_result(run(round_trip(circuit), method)))
    assert portable(remote.data(0)) == portable(local.data(0))
    assert remote.results[0].header == local.results[0].header


SAVES = {
    "save_amplitudes": ("statevector", lambda c, **k: c.save_amplitudes([0, 3], **k)),
    "save_amplitudes_squared": (
        "statevector",
        lambda c, **k: c.save_amplitudes_squared(["00", "11"], **k),
    ),
    "save_density_matrix": ("density_matrix", lambda c, **k: c.save_density_matrix(**k)),
    "save_density_matrix_of_one": ("statevector", lambda c, **k: c.save_density_matrix([1], **k)),
    "save_expectation_value": (
        "statevector",
        lambda c, **k: c.save_expectation_value(OBSERVABLE, [1, 0], **k),
    ),
    "save_expectation_value_variance": (
        "statevector",
        lambda c, **k: c.save_expectation_value_variance(OBSERVABLE, [0, 1], **k),
    ),
    "save_matrix_product_state": (
        "matrix_product_state",
        lambda c, **k: c.save_matrix_product_state(**k),
    ),
    "save_probabilities": ("statevector", lambda c, **k: c.save_probabilities([1], **k)),
    "save_probabilities_dict": ("statevector", lambda c, **k: c.save_probabilities_dict(**k)),
    "save_stabilizer": ("stabilizer", lambda c, **k: c.save_stabilizer(**k)),
    "save_clifford": ("stabilizer", lambda c, **k: c.save_clifford(**k)),
    "save_state": ("statevector", lambda c, **k: c.save_state(**k)),
    "save_statevector": ("statevector", lambda c, **k: c.save_statevector(**k)),
    "save_statevector_dict": ("statevector", lambda c, **k: c.save_statevector_dict(**k)),
}
WITH_UNNORMALIZED = {
    "save_amplitudes_squared",
    "save_density_matrix",
    "save_expectation_value",
    "save_expectation_value_variance",
    "save_probabilities",
    "save_probabilities_dict",
}
ARGUMENTS = [
    {},
    {"label": "my label"},
    {"pershot": True},
    {"conditional": True},
    {"pershot": True, "conditional": True, "label": "x"},
    {"unnormalized": True},
    {"unnormalized": True, "conditional": True},
]


def taken(name: str, arguments: dict) -> bool:
    """Whether the circuit's method has these arguments."""
    return (name in WITH_UNNORMALIZED or "unnormalized" not in arguments) and (
        name != "save_clifford" or "conditional" not in arguments
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        pytest.param(name, arguments, id="-".join([name, *arguments]))
        for name in SAVES
        for arguments in ARGUMENTS
        if taken(name, arguments)
    ],
)
def test_saved_data_of_a_seeded_run_is_the_same_after_a_round_trip(name, arguments):
    method, save = SAVES[name]
    circuit = prepared()
    save(circuit, **arguments)
    assert_runs_alike(circuit, method)


@pytest.mark.parametrize(
    ("name", "method"), [("save_unitary", "unitary"), ("save_superop", "superop")]
)
def test_saved_operator_is_the_same_after_a_round_trip(name, method):
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    getattr(circuit, name)(label="final")
    assert_runs_alike(circuit, method)


SETS = {
    "set_statevector": ("statevector", Statevector([0.6, 0, 0, 0.8j]), "save_statevector"),
    "set_density_matrix": (
        "density_matrix",
        DensityMatrix(np.diag([0.5, 0.25, 0.25, 0])),
        "save_density_matrix",
    ),
    "set_unitary": ("unitary", Operator(Pauli("XY")), "save_unitary"),
    "set_superop": ("superop", SuperOp(Operator(Pauli("XY"))), "save_superop"),
    "set_stabilizer": (
        "stabilizer",
        StabilizerState.from_stabilizer_list(["-XX", "ZZ"]),
        "save_stabilizer",
    ),
    "set_matrix_product_state": (
        "matrix_product_state",
        run(
            (lambda c: (c.h(0), c.cx(0, 1), c.save_matrix_product_state(label="m"), c)[-1])(
                QuantumCircuit(2)
            ),
            "matrix_product_state",
        ).data(0)["m"],
        "save_matrix_product_state",
    ),
}


@pytest.mark.parametrize("name", SETS)
def test_state_that_is_set_is_the_same_after_a_round_trip(name):
    method, state, save = SETS[name]
    circuit = QuantumCircuit(2)
    getattr(circuit, name)(state)
    circuit.s(0)
    getattr(circuit, save)(label="final")
    assert_runs_alike(circuit, method)


def every_instruction() -> list[Instruction]:
    circuit = QuantumCircuit(2, 2)
    for _, save in SAVES.values():
        save(circuit, label="some label")
    circuit.save_unitary()
    circuit.save_superop()
    for name, (_, state, _) in SETS.items():
        getattr(circuit, name)(state)
    return [item.operation for item in circuit.data]


def test_every_instruction_of_aers_library_keeps_its_class_and_attributes():
    sent = every_instruction()
    covered = {type(instruction).__name__ for instruction in sent}
    assert covered == {name for name in vars(library) if name.startswith(("Save", "Set"))}
    for instruction in sent:
        circuit = QuantumCircuit(instruction.num_qubits)
        circuit.append(instruction, range(instruction.num_qubits))
        received = round_trip(circuit).data[0].operation
        assert type(received) is type(instruction)
        assert received.label == instruction.label
        assert getattr(received, "_subtype", None) == getattr(instruction, "_subtype", None)
        assert repr(received.params) == repr(instruction.params)


def test_instructions_inside_control_flow_are_restored_at_every_depth():
    circuit = prepared()
    with circuit.if_test((circuit.clbits[0], 1)) as otherwise:
        circuit.save_statevector(label="one", pershot=True)
        with circuit.if_test((circuit.clbits[0], 1)), circuit.if_test((circuit.clbits[1], 0)):
            circuit.x(1)
            circuit.save_expectation_value(Pauli("ZZ"), [0, 1], label="inner", pershot=True)
    with otherwise:
        circuit.save_statevector(label="zero", pershot=True)
    assert_runs_alike(circuit, "statevector")


def test_circuit_of_the_user_is_left_as_it_was():
    circuit = prepared()
    with circuit.if_test((circuit.clbits[0], 1)):
        circuit.save_statevector(label="one")
    circuit.save_state()
    before = copy.deepcopy(circuit)
    program_to_proto(circuit)
    assert circuit == before
    assert type(circuit.data[-1].operation) is library.SaveState
    block = circuit.data[-2].operation.blocks[0]
    assert type(block.data[0].operation) is library.SaveStatevector


def test_circuit_with_saves_keeps_name_metadata_phase_and_registers():
    circuit = prepared()
    circuit.metadata = {"point": 3}
    circuit.global_phase = 0.25
    circuit.save_state()
    received = round_trip(circuit)
    assert received == circuit
    assert (received.name, received.metadata) == ("prepared", {"point": 3})
    assert received.qregs == circuit.qregs


def test_plain_instruction_of_the_same_name_is_left_alone():
    circuit = QuantumCircuit(1)
    circuit.append(Instruction("save_state", 1, 0, [0.5]), [0])
    received = round_trip(circuit).data[0].operation
    assert type(received) is Instruction
    assert received.params == [0.5]


def test_quantum_error_inside_a_circuit_is_refused_instead_of_dropped():
    circuit = QuantumCircuit(1)
    circuit.append(depolarizing_error(0.1, 1), [0])
    with pytest.raises(InvalidProgramError, match="Kraus"):
        program_to_proto(circuit)


def test_kraus_instruction_that_replaces_an_error_runs_alike():
    from qiskit.quantum_info import Kraus

    circuit = QuantumCircuit(1)
    circuit.append(Kraus(depolarizing_error(0.1, 1)).to_instruction(), [0])
    circuit.save_density_matrix()
    assert_runs_alike(circuit, "density_matrix")


@pytest.mark.parametrize(
    "carried",
    [b"", b"\xff\xff", b"\x0a\x00", bytes(1000)],
    ids=["empty", "no-message", "no-attributes", "zeros"],
)
def test_carrier_that_is_damaged_is_refused(carried):
    import io

    circuit = QuantumCircuit(1)
    circuit.append(Instruction("save_state", 1, 0, [np.frombuffer(carried, np.uint8)]), [0])
    buffer = io.BytesIO()
    qpy.dump(circuit, buffer)
    message = program_pb2.Program(
        format=program_pb2.PROGRAM_FORMAT_QPY,
        payloads=[buffer.getvalue()],
        qpy_version=qpy.QPY_VERSION,
    )
    with pytest.raises(InvalidProgramError, match="save_state"):
        program_from_proto(message)

"""A noise model crosses the wire without loss: runs with it are equal, seed by seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit
from qiskit.circuit import Gate
from qiskit.circuit.library import CXGate, RXGate, XGate
from qiskit.quantum_info import Kraus, SuperOp
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (
    LocalNoisePass,
    NoiseModel,
    PauliError,
    PauliLindbladError,
    QuantumError,
    ReadoutError,
    RelaxationNoisePass,
    amplitude_damping_error,
    coherent_unitary_error,
    depolarizing_error,
    mixed_unitary_error,
    pauli_error,
    phase_amplitude_damping_error,
    reset_error,
    thermal_relaxation_error,
)
from qiskit_ibm_runtime.fake_provider import FakeManilaV2

from longwire.codecs.compression import decompress
from longwire.codecs.run_options import run_options_from_proto, run_options_to_proto
from longwire.codecs.value import value_from_proto, value_to_proto
from longwire.errors import CodecError, InvalidOptionError
from longwire.v1 import noise_model_pb2, value_pb2
from longwire.v1.program_pb2 import RunOptions


def sent(model: NoiseModel) -> NoiseModel:
    """A noise model as it arrives."""
    data = value_to_proto(model).SerializeToString()
    received = value_from_proto(value_pb2.Value.FromString(data))
    assert isinstance(received, NoiseModel)
    return received


def depolarizing() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(0.02, 1), ["h", "sx", "x"])
    model.add_all_qubit_quantum_error(depolarizing_error(0.05, 2), "cx")
    return model


def thermal_relaxation() -> NoiseModel:
    model = NoiseModel(basis_gates=["u", "cx"])
    # Once as a mixture of circuits and once, with T2 above T1, as Kraus operators.
    model.add_quantum_error(thermal_relaxation_error(50e3, 30e3, 1000), ["h"], [0])
    model.add_quantum_error(thermal_relaxation_error(50e3, 70e3, 1000), ["h", "x"], [1])
    return model


def readout() -> NoiseModel:
    model = NoiseModel()
    model.add_readout_error([[0.99, 0.01], [0.02, 0.98]], [1])
    two_qubits = np.kron([[0.9, 0.1], [0.3, 0.7]], [[0.8, 0.2], [0.1, 0.9]])
    model.add_readout_error(ReadoutError(two_qubits), [0, 2])
    model.add_all_qubit_readout_error([[0.9, 0.1], [0.2, 0.8]], warnings=False)
    return model


def kraus() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(amplitude_damping_error(0.1), "h")
    channel = Kraus(SuperOp(phase_amplitude_damping_error(0.1, 0.2)))
    model.add_all_qubit_quantum_error(QuantumError(channel), "x")
    return model


def coherent() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(coherent_unitary_error(CXGate().to_matrix()), "cx")
    model.add_quantum_error(coherent_unitary_error(RXGate(0.2).to_matrix()), ["h"], [0])
    mixed = [(RXGate(0.1).to_matrix(), 0.5), (np.eye(2), 0.5)]
    model.add_quantum_error(mixed_unitary_error(mixed), ["h"], [1])
    return model


def pauli_channels() -> NoiseModel:
    model = NoiseModel()
    model.add_all_qubit_quantum_error(PauliError(["II", "XZ"], [0.9, 0.1]), "cx")
    model.add_all_qubit_quantum_error(PauliLindbladError(["X", "Z"], [0.02, 0.1]), "h")
    model.add_all_qubit_quantum_error(reset_error(0.1, 0.05), "x")
    model.add_quantum_error(pauli_error([("X", 0.1), ("I", 0.9)]), ["sx"], [2])
    return model


def gates() -> NoiseModel:
    model = NoiseModel(basis_gates=["h", "x", "cx"])
    operations = [(XGate(), 0.25), ([(XGate(), [0]), (RXGate(0.3), [0])], 0.75)]
    model.add_all_qubit_quantum_error(QuantumError(operations), "h")
    labelled = XGate(label="noisy")
    model.add_all_qubit_quantum_error(depolarizing_error(0.2, 1), labelled)
    return model


def several_on_one_instruction() -> NoiseModel:
    model = NoiseModel()
    model.add_quantum_error(depolarizing_error(0.05, 1), ["h"], [0])
    model.add_quantum_error(thermal_relaxation_error(50e3, 30e3, 900), ["h"], [0], warnings=False)
    model.add_all_qubit_quantum_error(depolarizing_error(0.1, 1), ["h"], warnings=False)
    return model


def of_device() -> NoiseModel:
    return NoiseModel.from_backend(FakeManilaV2())


MODELS: dict[str, Callable[[], NoiseModel]] = {
    "none": NoiseModel,
    "depolarizing": depolarizing,
    "thermal relaxation": thermal_relaxation,
    "readout": readout,
    "kraus": kraus,
    "coherent": coherent,
    "pauli": pauli_channels,
    "gates": gates,
    "several": several_on_one_instruction,
    "device": of_device,
}


def circuits() -> list[QuantumCircuit]:
    entangled = QuantumCircuit(3, 3, name="entangled")
    entangled.h([0, 1])
    entangled.cx(0, 1)
    entangled.append(XGate(label="noisy"), [2])
    entangled.sx(2)
    entangled.cx(0, 1)
    entangled.measure(range(3), range(3))
    delayed = QuantumCircuit(2, 2, name="delayed")
    delayed.x(0)
    delayed.delay(200_000, 0, "dt")
    delayed.x(1)
    delayed.measure(range(2), range(2))
    return [entangled, delayed]


def counts(model: NoiseModel, method: str) -> Any:
    result = AerSimulator(method=method).run(
        circuits(), shots=2000, seed_simulator=17, noise_model=model, memory=True
    )
    return [result.result().get_memory(circuit) for circuit in circuits()]


@pytest.mark.parametrize("method", ["automatic", "density_matrix"])
@pytest.mark.parametrize("name", MODELS)
def test_runs_with_a_received_model_are_equal(name: str, method: str) -> None:
    model = MODELS[name]()
    assert counts(sent(model), method) == counts(model, method)


@pytest.mark.parametrize("name", MODELS)
def test_received_model_has_all_of_the_original(name: str) -> None:
    model = MODELS[name]()
    received = sent(model)
    assert received == model
    # What == does not compare: the order, the identifiers, and every bit of a number.
    assert repr(received.to_dict()) == repr(model.to_dict())
    assert received.basis_gates == model.basis_gates
    assert received.noise_instructions == model.noise_instructions
    assert received.noise_qubits == model.noise_qubits
    assert received.is_ideal() == model.is_ideal()
    assert value_to_proto(received) == value_to_proto(model)


def test_noise_of_delays_is_kept() -> None:
    received, model = sent(of_device()), of_device()
    [ours], [theirs] = received._custom_noise_passes, model._custom_noise_passes
    assert type(ours) is RelaxationNoisePass
    for name in ("_t1s", "_t2s", "_p1s"):
        assert getattr(ours, name).dtype == getattr(theirs, name).dtype
        assert getattr(ours, name).tolist() == getattr(theirs, name).tolist()
    assert (ours._dt, ours._ops, ours._method) == (theirs._dt, theirs._ops, theirs._method)
    assert sorted(ours._target) == sorted(theirs._target)


def test_error_that_many_sites_share_is_sent_once() -> None:
    error = depolarizing_error(0.01, 2)
    model = NoiseModel()
    for qubit in range(50):
        model.add_quantum_error(error, ["cx"], [qubit, qubit + 1])
    encoded = value_to_proto(model).noise_model_value
    message = noise_model_pb2.NoiseModel.FromString(decompress(encoded.data, encoded.compression))
    assert len(message.quantum_errors) == 1
    assert len(message.operations) == 16
    errors = sent(model)._local_quantum_errors["cx"].values()
    assert len({id(each) for each in errors}) == 1


def test_noise_model_is_an_option_of_a_run() -> None:
    message = run_options_to_proto(shots=5, noise_model=depolarizing())
    options = run_options_from_proto(RunOptions.FromString(message.SerializeToString()))
    assert options["shots"] == 5
    assert options["noise_model"] == depolarizing()


def test_noise_model_can_stand_anywhere_in_a_value() -> None:
    value = {"models": [depolarizing(), None]}
    received = value_from_proto(value_to_proto(value))
    assert received == value


def with_function() -> NoiseModel:
    model = NoiseModel()
    model._custom_noise_passes.append(LocalNoisePass(lambda _op, _qubits: None))
    return model


def with_own_error() -> NoiseModel:
    class OwnError(PauliError):
        pass

    model = NoiseModel()
    model.add_all_qubit_quantum_error(OwnError(["I", "X"], [0.5, 0.5]), "h")
    return model


def with_error_in_circuit() -> NoiseModel:
    circuit = QuantumCircuit(1)
    circuit.append(depolarizing_error(0.1, 1).to_instruction(), [0])
    model = NoiseModel()
    model._default_quantum_errors["h"] = QuantumError([(circuit, 1.0)])
    return model


@pytest.mark.parametrize(
    ("model", "complaint"),
    [
        (with_function, r"custom_noise_passes\[0\]: a LocalNoisePass is code of your own"),
        (with_own_error, "h: an error of type OwnError cannot be sent: make a QuantumError"),
        (with_error_in_circuit, "h: the operation quantum_channel cannot be sent: use Kraus"),
    ],
)
def test_model_that_holds_code_is_refused(model: Callable[[], NoiseModel], complaint: str) -> None:
    with pytest.raises(CodecError, match=complaint):
        value_to_proto(model())
    with pytest.raises(InvalidOptionError, match=f"the option noise_model\\.?.*{complaint[-20:]}"):
        run_options_to_proto(noise_model=model())


def message_of(model: NoiseModel) -> noise_model_pb2.NoiseModel:
    encoded = value_to_proto(model).noise_model_value
    return noise_model_pb2.NoiseModel.FromString(decompress(encoded.data, encoded.compression))


def received(message: noise_model_pb2.NoiseModel) -> Any:
    value = value_pb2.Value()
    value.noise_model_value.data = message.SerializeToString()
    return value_from_proto(value)


def whole() -> NoiseModel:
    model = of_device()
    model.add_all_qubit_quantum_error(PauliError(["I", "X"], [0.5, 0.5]), "y")
    model.add_all_qubit_quantum_error(PauliLindbladError(["Y"], [0.5]), "z")
    model.add_all_qubit_readout_error([[0.9, 0.1], [0.2, 0.8]], warnings=False)
    return model


WHOLE = whole()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda m: m.circuits.num_operations.append(1), "circuits are of several lengths"),
        (lambda m: m.circuits.operations.append(0), r"operations where \d+ belong"),
        (lambda m: m.circuits.operations.__setitem__(0, 999), r"name more than its \d+ operations"),
        (lambda m: m.circuits.qubits.append(0), r"circuits have \d+ qubits where \d+ belong"),
        (lambda m: m.circuits.qubits.__setitem__(0, 9), r"circuit \d+ cannot be built"),
        # Which circuit is the first differs between processes.
        (
            lambda m: m.circuits.num_qubits.__setitem__(0, m.circuits.num_qubits[0] + 1),
            "different numbers of qubits",
        ),
        (lambda m: setattr(m.operations[0], "is_class", True), "a class in place of an operation"),
        (
            lambda m: m.quantum_errors[3].circuits.circuits.__setitem__(0, 99_999),
            r"quantum_errors\[3\]: it names circuit 99999",
        ),
        (
            lambda m: m.quantum_errors[3].circuits.probabilities.__setitem__(0, 0.5),
            "probabilities are negative, or their sum is not 1",
        ),
        (
            lambda m: m.quantum_errors[3].circuits.probabilities.__setitem__(0, float("nan")),
            "probabilities are negative, or their sum is not 1",
        ),
        (lambda m: m.quantum_errors[3].circuits.probabilities.append(0), r"probabilities for \d+"),
        (lambda m: m.quantum_errors[3].ClearField("channel"), "newer than this version"),
        (lambda m: m.quantum_errors[0].paulis.paulis.append("Q"), "Pauli operators are none"),
        (lambda m: setattr(m.all_qubit_errors[0], "error", 999), "it names error 999"),
        (lambda m: m.local_errors[0].errors.append(0), r"it has \d+ errors for \d+ sites"),
        (lambda m: m.local_errors[0].qubits.append(0), r"it has \d+ qubits where \d+ belong"),
        (lambda m: m.all_qubit_readout_error.append(0.5), "its readout error is none"),
        (
            lambda m: m.local_readout_errors.probabilities.append(0.5),
            r"it has \d+ probabilities where \d+ belong",
        ),
        (
            lambda m: m.local_readout_errors.probabilities.__setitem__(0, -0.5),
            "its readout error is none",
        ),
        (
            lambda m: m.relaxation_passes[0].operation_classes.append("os:system"),
            r"relaxation_passes\[0\]: there is no operation os:system here",
        ),
    ],
)
def test_contradiction_is_refused(
    change: Callable[[noise_model_pb2.NoiseModel], object], complaint: str
) -> None:
    message = message_of(WHOLE)
    # The first errors are those on all qubits.
    assert message.quantum_errors[0].HasField("paulis")
    change(message)
    with pytest.raises(CodecError, match=complaint):
        received(message)


def test_error_on_more_qubits_than_it_has_is_refused() -> None:
    message = message_of(depolarizing())
    message.local_errors.add(instruction="h", num_qubits=[2], qubits=[0, 1], errors=[0])
    with pytest.raises(CodecError, match="an error of 1 qubits on 2 qubits"):
        received(message)


def test_bytes_that_are_no_message_are_refused() -> None:
    value = value_pb2.Value()
    value.noise_model_value.data = b"\xff\xff"
    with pytest.raises(CodecError, match="no noise model"):
        value_from_proto(value)


MESSAGES = [
    message_of(MODELS[name]()).SerializeToString() for name in MODELS if name not in ("none",)
]


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_damaged_message_is_a_codec_error_or_a_model(data: st.DataObject) -> None:
    message = bytearray(data.draw(st.sampled_from(MESSAGES)))
    for _ in range(data.draw(st.integers(1, 3))):
        message[data.draw(st.integers(0, len(message) - 1))] = data.draw(st.integers(0, 255))
    value = value_pb2.Value()
    value.noise_model_value.data = bytes(message)
    try:
        found = value_from_proto(value)
    except CodecError:
        return
    assert isinstance(found, NoiseModel)


def test_own_gate_in_an_error_travels_with_its_definition() -> None:
    class Flip(Gate):
        def __init__(self) -> None:
            super().__init__("flip", 1, [])

        def _define(self) -> None:
            self.definition = QuantumCircuit(1)
            self.definition.x(0)

    model = NoiseModel()
    model.add_all_qubit_quantum_error(QuantumError([(Flip(), 0.5), (XGate(), 0.5)]), "h")
    assert sent(model) == model

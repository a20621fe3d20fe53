"""Pubs cross the wire as they are: circuits once, values and observables as arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from qiskit import ClassicalRegister, QuantumCircuit, transpile
from qiskit.circuit import Parameter, ParameterVector
from qiskit.primitives.containers.bindings_array import BindingsArray
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.observables_array import ObservablesArray
from qiskit.primitives.containers.sampler_pub import SamplerPub
from qiskit.quantum_info import Pauli, PauliList, SparseObservable, SparsePauliOp
from qiskit.transpiler import CouplingMap

from longwire.codecs.primitive_options import (
    estimator_options_from_proto,
    estimator_options_to_proto,
    sampler_options_from_proto,
    sampler_options_to_proto,
)
from longwire.codecs.program import program_from_proto, program_to_proto
from longwire.codecs.pubs import (
    estimator_spec_from_proto,
    estimator_spec_to_proto,
    sampler_spec_from_proto,
    sampler_spec_to_proto,
)
from longwire.errors import CodecError, InvalidOptionError, InvalidProgramError
from longwire.v1 import primitive_pb2, program_pb2


def ansatz(num_qubits: int = 2) -> QuantumCircuit:
    """A circuit with a vector of three parameters and one of its own."""
    vector, angle = ParameterVector("v", 3), Parameter("µ angle")
    circuit = QuantumCircuit(num_qubits, name="ansatz", metadata={"try": 3})
    circuit.rx(vector[2], 0)
    circuit.ry(vector[0] + angle, 1)
    circuit.rz(vector[1], 0)
    circuit.cx(0, 1)
    return circuit


def sampler_crossed(pubs: list[Any], **options: Any) -> list[SamplerPub]:
    circuits, spec = sampler_spec_to_proto([SamplerPub.coerce(pub) for pub in pubs], **options)
    return sampler_spec_from_proto(
        primitive_pb2.SamplerSpec.FromString(spec.SerializeToString()), sent(circuits)
    )


def estimator_crossed(pubs: list[Any], **options: Any) -> list[EstimatorPub]:
    circuits, spec = estimator_spec_to_proto([EstimatorPub.coerce(pub) for pub in pubs], **options)
    return estimator_spec_from_proto(
        primitive_pb2.EstimatorSpec.FromString(spec.SerializeToString()), sent(circuits)
    )


def sent(circuits: list[QuantumCircuit]) -> list[QuantumCircuit]:
    message = program_to_proto(circuits)
    received = program_from_proto(program_pb2.Program.FromString(message.SerializeToString()))
    assert isinstance(received, list)
    return received


def assert_same_bindings(received: Any, original: Any) -> None:
    assert received.circuit == original.circuit
    assert received.circuit.metadata == original.circuit.metadata
    assert received.parameter_values.shape == original.parameter_values.shape
    ours = received.parameter_values.as_array(received.circuit.parameters)
    theirs = original.parameter_values.as_array(original.circuit.parameters)
    assert ours.dtype == theirs.dtype
    assert ours.tobytes() == theirs.tobytes()


def assert_same_observables(received: ObservablesArray, original: ObservablesArray) -> None:
    ours, theirs = received.sparse_observables_array(), original.sparse_observables_array()
    assert ours.shape == theirs.shape
    for index in np.ndindex(theirs.shape):
        # Equality of SparseObservable counts the order of terms and every bit of a weight.
        assert ours[index] == theirs[index]
        assert received[index] == original[index]


def values(*shape: int) -> np.ndarray:
    return np.random.default_rng(4).uniform(-9, 9, shape)


@pytest.mark.parametrize("shape", [(), (1,), (5,), (2, 3), (0,), (1, 1)], ids=repr)
@pytest.mark.parametrize("shots", [None, 1, 5000])
def test_sampler_pubs_come_back_equal(shape: tuple[int, ...], shots: int | None) -> None:
    circuit = ansatz()
    circuit.measure_all()
    original = SamplerPub.coerce((circuit, values(*shape, 4), shots))
    (received,) = sampler_crossed([original])
    assert_same_bindings(received, original)
    assert received.shots == shots
    assert received.shape == shape


@pytest.mark.parametrize(
    "bindings",
    [
        {("v[2]", "v[0]"): values(3, 2), "µ angle": values(3), "v[1]": values(3, 1)},
        {"v": 1.0, "µ angle": 2},
        BindingsArray({("µ angle", "v[1]", "v[2]", "v[0]"): values(1, 4)}, shape=(1,)),
    ],
    ids=["several arrays", "a vector", "an array of bindings"],
)
def test_bindings_by_name_come_back_equal(bindings: Any) -> None:
    circuit = ansatz()
    if isinstance(bindings, dict) and "v" in bindings:
        bindings = {tuple(ParameterVector("v", 3)): [1.0, 2.0, 3.0], "µ angle": 2}
    original = SamplerPub.coerce((circuit, bindings))
    assert_same_bindings(sampler_crossed([original])[0], original)


def test_a_shape_without_parameters_comes_back() -> None:
    circuit = QuantumCircuit(1)
    original = SamplerPub(circuit, BindingsArray(shape=(2, 5)))
    (received,) = sampler_crossed([original])
    assert received.shape == (2, 5)
    assert received.parameter_values.num_parameters == 0


def test_a_circuit_of_several_pubs_travels_once() -> None:
    first, second = ansatz(), QuantumCircuit(1)
    pubs = [(first, values(4)), second, (first, values(2, 4)), second.copy()]
    circuits, spec = sampler_spec_to_proto([SamplerPub.coerce(pub) for pub in pubs])
    assert len(circuits) == 3
    assert [pub.circuit_index for pub in spec.pubs] == [0, 1, 0, 2]
    received = sampler_spec_from_proto(spec, circuits)
    assert received[0].circuit is received[2].circuit


OBSERVABLES: dict[str, Any] = {
    "a label": "ZX",
    "a Pauli": Pauli("-YI"),
    "a list": ["ZZ", "XX", "IY"],
    "a Pauli list": PauliList(["ZZ", "XI"]),
    "a sum": SparsePauliOp(["XI", "ZZ", "XI", "IY"], [1, -2.5, 3, 1e-3]),
    "a mapping": {"IZ": 0.1, Pauli("XX"): 0.2, "YY": -3},
    "projectors": SparseObservable.from_list([("+-", 1.5), ("0r", 2), ("1l", -1), ("IZ", 0.3)]),
    "a table": [["ZZ", {"+I": 0.3}], [SparsePauliOp("XY"), "01"]],
    "the identity": "II",
    "a column": [["ZZ"], ["XX"], ["YY"]],
}


@pytest.mark.parametrize("observables", OBSERVABLES.values(), ids=OBSERVABLES.keys())
@pytest.mark.parametrize("precision", [None, 0.0, 0.125])
def test_estimator_pubs_come_back_equal(observables: Any, precision: float | None) -> None:
    shape = np.shape(ObservablesArray.coerce(observables))
    original = EstimatorPub.coerce((ansatz(), observables, values(*shape[-1:], 4), precision))
    (received,) = estimator_crossed([original])
    assert_same_bindings(received, original)
    assert_same_observables(received.observables, original.observables)
    assert received.precision == precision
    assert received.shape == original.shape


def test_shapes_that_broadcast_stay_apart() -> None:
    original = EstimatorPub.coerce((ansatz(), [["ZZ"], ["XX"], ["YY"]], values(5, 4)))
    (received,) = estimator_crossed([original])
    assert received.observables.shape == (3, 1)
    assert received.parameter_values.shape == (5,)
    assert received.shape == (3, 5)


@settings(max_examples=50, deadline=None)
@given(
    st.integers(1, 40).flatmap(
        lambda num_qubits: st.dictionaries(
            st.text("IXYZ01+-rl", min_size=num_qubits, max_size=num_qubits),
            st.floats(-1e9, 1e9).filter(lambda weight: abs(weight) > 1e-6),
            min_size=1,
            max_size=8,
        )
    )
)
def test_any_observable_comes_back_equal(terms: dict[str, float]) -> None:
    num_qubits = len(next(iter(terms)))
    original = EstimatorPub.coerce((QuantumCircuit(num_qubits), [terms, terms]))
    (received,) = estimator_crossed([original])
    assert_same_observables(received.observables, original.observables)


def test_an_array_of_no_observables_comes_back() -> None:
    empty = ObservablesArray(np.empty((0,), dtype=object), num_qubits=2)
    original = EstimatorPub(QuantumCircuit(2), empty)
    (received,) = estimator_crossed([original])
    assert received.observables.shape == (0,)


def test_observables_and_values_follow_a_transpiled_circuit() -> None:
    circuit = ansatz(3)
    circuit.rz(Parameter("without effect"), 2)
    original = EstimatorPub.coerce((circuit, {"IZX": 0.5, "0II": 1.0}, values(2, 5)))
    _, spec = estimator_spec_to_proto([original])
    whole = transpile(
        circuit,
        basis_gates=["rz", "sx", "cx"],
        coupling_map=CouplingMap.from_line(5),
        initial_layout=[4, 2, 1],
        optimization_level=1,
    )
    (received,) = estimator_spec_from_proto(spec, [whole], transpiled={0})
    assert_same_observables(received.observables, original.observables.apply_layout(whole.layout))
    by_hand = EstimatorPub.coerce(
        (whole, original.observables.apply_layout(whole.layout), original.parameter_values)
    )
    assert_same_bindings(received, by_hand)


def test_values_of_parameters_that_a_transpiler_removed_are_left_out() -> None:
    circuit = QuantumCircuit(1, 1)
    kept, lost = Parameter("kept"), Parameter("lost")
    circuit.rx(kept, 0)
    circuit.rz(lost, 0)
    circuit.measure(0, 0)
    _, spec = sampler_spec_to_proto([SamplerPub.coerce((circuit, [[1.0, 2.0], [3.0, 4.0]]))])
    shorter = circuit.copy_empty_like()
    shorter.rx(kept, 0)
    shorter.measure(0, 0)
    (received,) = sampler_spec_from_proto(spec, [shorter], transpiled={0})
    assert received.parameter_values.as_array(["kept"]).tolist() == [[1.0], [3.0]]
    with pytest.raises(InvalidProgramError, match=r"pub 0 \(.*values for lost, which"):
        sampler_spec_from_proto(spec, [shorter])


def test_options_come_back_equal() -> None:
    sampler = {"default_shots": 100, "seed_simulator": 2**63 - 1, "run_options": {"method": "mps"}}
    assert sampler_options_from_proto(sampler_options_to_proto(**sampler)) == sampler
    estimator = {
        "default_precision": 0.25,
        "abelian_grouping": False,
        "seed_simulator": 0,
        "run_options": {"list": [1, (2.0, None)]},
    }
    assert estimator_options_from_proto(estimator_options_to_proto(**estimator)) == estimator
    assert sampler_options_from_proto(sampler_options_to_proto()) == {}
    assert estimator_options_from_proto(estimator_options_to_proto(run_options={"a": None})) == {}


def test_a_sweep_travels_as_one_circuit_and_an_array() -> None:
    parameters = ParameterVector("x", 40)
    circuit = QuantumCircuit(4)
    for index, parameter in enumerate(parameters):
        circuit.ry(parameter, index % 4)
    circuits, spec = estimator_spec_to_proto(
        [EstimatorPub.coerce((circuit, "ZZZZ", values(1000, 40)))]
    )
    assert spec.ByteSize() + program_to_proto(circuits).ByteSize() < 330_000


def bad_values(value: float) -> np.ndarray:
    array = values(2, 4)
    array[1, 2] = value
    return array


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused_with_their_place(value: float) -> None:
    pubs = [SamplerPub.coerce((ansatz(), each)) for each in (values(4), bad_values(value))]
    message = r"^pub 1 \(circuit 'ansatz'\): .*'v\[2\]' at point \(1,\) is not finite"
    with pytest.raises(InvalidProgramError, match=message):
        sampler_spec_to_proto(pubs)


def test_names_that_are_not_the_circuits_are_refused() -> None:
    # Qiskit counts them only, and fails when it runs.
    pub = SamplerPub.coerce((ansatz(), {("v[0]", "v[1]", "v[2]", "other"): values(4)}))
    with pytest.raises(InvalidProgramError, match=r"pub 0 .*no values for the parameters µ angle"):
        sampler_spec_to_proto([pub])


def test_no_pubs_are_refused() -> None:
    with pytest.raises(InvalidProgramError, match="give at least one pub"):
        sampler_spec_to_proto([])
    with pytest.raises(InvalidProgramError, match="give at least one pub"):
        estimator_spec_from_proto(primitive_pb2.EstimatorSpec(), [ansatz()])


def test_weights_that_are_not_finite_are_refused() -> None:
    observables = ObservablesArray(["ZZ", {"XX": np.inf}])
    pub = EstimatorPub(QuantumCircuit(2), observables)
    with pytest.raises(InvalidProgramError, match=r"pub 0 .*: observables\[1\]: a weight is not"):
        estimator_spec_to_proto([pub])


def test_weights_that_are_not_real_are_refused() -> None:
    array = np.empty((), dtype=object)
    array[()] = SparseObservable.from_list([("ZZ", 1j)])
    pub = EstimatorPub(QuantumCircuit(2), ObservablesArray(array, validate=False))
    with pytest.raises(InvalidProgramError, match=r"observables: a weight is not real"):
        estimator_spec_to_proto([pub])


@pytest.mark.parametrize("precision", [np.nan, np.inf])
def test_a_precision_that_is_not_finite_is_refused_with_its_pub(precision: float) -> None:
    pub = EstimatorPub.coerce((ansatz(), "ZZ", values(4)), precision)
    with pytest.raises(InvalidOptionError, match=r"^pub 0 \(circuit 'ansatz'\): precision must"):
        estimator_spec_to_proto([pub])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"default_shots": 0}, "default_shots must be a whole number from 1"),
        ({"default_shots": 1.5}, "default_shots must"),
        ({"default_shots": True}, "default_shots must"),
        ({"seed_simulator": -1}, "seed_simulator must be a whole number from 0"),
        ({"seed_simulator": 2**63}, "seed_simulator must"),
        ({"run_options": {"deep": {"x": object()}}}, r"run_options\.deep\.x: an object"),
        ({"run_options": {3: 4}}, "run_options: the name 3"),
    ],
    ids=[
        "no shots",
        "a part of a shot",
        "shots that are a truth",
        "negative seed",
        "long seed",
        "an object",
        "a name that is no text",
    ],
)
def test_options_out_of_range_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidOptionError, match=message):
        sampler_spec_to_proto([SamplerPub.coerce(QuantumCircuit(1))], **options)


@pytest.mark.parametrize(
    "options",
    [{"default_precision": -0.1}, {"default_precision": "0.1"}, {"abelian_grouping": 1}],
    ids=repr,
)
def test_options_of_an_estimator_out_of_range_are_refused(options: dict[str, Any]) -> None:
    (name,) = options
    with pytest.raises(InvalidOptionError, match=name):
        estimator_spec_to_proto([EstimatorPub.coerce((QuantumCircuit(1), "Z"))], **options)


def sampler_message() -> primitive_pb2.SamplerSpec:
    return sampler_spec_to_proto([SamplerPub.coerce((ansatz(), values(2, 4)))])[1]


def test_a_circuit_that_is_not_there_is_refused() -> None:
    message = sampler_message()
    message.pubs[0].circuit_index = 1
    with pytest.raises(InvalidProgramError, match="pub 0: its circuit is number 1 of 1 circuits"):
        sampler_spec_from_proto(message, [ansatz()])


def test_values_that_contradict_themselves_are_refused() -> None:
    message = sampler_message()
    message.pubs[0].parameter_values.parameter_names[0] = "v[1]"
    with pytest.raises(InvalidProgramError, match=r"pub 0 .*is given twice"):
        sampler_spec_from_proto(message, [ansatz()])
    message = sampler_message()
    message.pubs[0].parameter_values.values.shape[:] = [4, 2]
    with pytest.raises(InvalidProgramError, match=r"shape \(4, 2\) are given for 4 parameters"):
        sampler_spec_from_proto(message, [ansatz()])
    message = sampler_message()
    message.pubs[0].ClearField("parameter_values")
    with pytest.raises(InvalidProgramError, match="no values for the parameters"):
        sampler_spec_from_proto(message, [ansatz()])


def test_options_of_a_pub_out_of_range_are_refused_by_the_reader() -> None:
    message = sampler_message()
    message.pubs[0].shots = 0
    with pytest.raises(InvalidOptionError, match=r"pub 0 .*: shots must"):
        sampler_spec_from_proto(message, [ansatz()])
    spec = estimator_spec_to_proto([EstimatorPub.coerce((QuantumCircuit(1), "Z"))])[1]
    spec.pubs[0].precision = -1.0
    with pytest.raises(InvalidOptionError, match=r"pub 0 .*: precision must"):
        estimator_spec_from_proto(spec, [QuantumCircuit(1)])
    with pytest.raises(InvalidOptionError, match="default_shots"):
        sampler_options_from_proto(primitive_pb2.SamplerOptions(default_shots=0))
    broken = primitive_pb2.SamplerOptions()
    broken.run_options.fields.add(name="newer")
    with pytest.raises(CodecError, match=r"^run_options\.newer: "):
        sampler_options_from_proto(broken)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda each: each.shape.append(3), r"observables: 1 observables do not fill the shape"),
        (lambda each: each.observables[0].terms.append("ZZ"), "has 2 terms but 1 weights"),
        (lambda each: each.observables[0].terms.__setitem__(0, "ZZZ"), "'ZZZ' is not a letter"),
        (lambda each: each.observables[0].terms.__setitem__(0, "ZQ"), "it is no observable"),
        (lambda each: each.observables[0].coefficients.__setitem__(0, np.nan), "not finite"),
        (lambda each: each.shape.extend([1] * 99), "cannot be held"),
    ],
    ids=["shape", "surplus term", "long term", "letter", "weight", "dimensions"],
)
def test_observables_that_contradict_themselves_are_refused(change: Any, message: str) -> None:
    spec = estimator_spec_to_proto([EstimatorPub.coerce((QuantumCircuit(2), "ZZ"))])[1]
    change(spec.pubs[0].observables)
    with pytest.raises(InvalidProgramError, match=message):
        estimator_spec_from_proto(spec, [QuantumCircuit(2)])


def test_shapes_that_do_not_broadcast_are_refused() -> None:
    pub = EstimatorPub.coerce((ansatz(), ["ZZ", "XX"], values(2, 4)))
    spec = estimator_spec_to_proto([pub])[1]
    del spec.pubs[0].observables.observables[:]
    spec.pubs[0].observables.shape[:] = [3]
    for _ in range(3):
        spec.pubs[0].observables.observables.add(terms=["ZZ"], coefficients=[1.0])
    with pytest.raises(InvalidProgramError, match=r"pub 0 .*not broadcastable"):
        estimator_spec_from_proto(spec, [ansatz()])


def test_registers_and_names_of_circuits_come_back() -> None:
    circuit = QuantumCircuit(2, name="two registers")
    circuit.add_register(ClassicalRegister(1, "lambda"), ClassicalRegister(2, "b"))
    (received,) = sampler_crossed([circuit])
    assert [(each.name, each.size) for each in received.circuit.cregs] == [("lambda", 1), ("b", 2)]
    assert received.circuit.name == "two registers"

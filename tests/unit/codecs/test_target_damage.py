"""A damaged Target is refused with its place, and what it names is never loaded."""

from __future__ import annotations

import contextlib
import hashlib
import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit, qpy
from qiskit.circuit import Gate, Instruction, Parameter
from qiskit.circuit.library import CXGate, RZGate, XGate
from qiskit.providers import QubitProperties
from qiskit.transpiler import InstructionProperties, Target
from unit.codecs.target_examples import Twist, traps, two_qubits

from longwire.codecs.compression import decompress
from longwire.codecs.target import decode_target, encode_target
from longwire.codecs.target_qubits import FurtherQubitProperties, read_qubits
from longwire.errors import CodecError
from longwire.v1 import target_pb2
from longwire.v1.array_pb2 import COMPRESSION_ZSTD


def message_of(target: Target) -> target_pb2.Target:
    encoded = encode_target(target)
    return target_pb2.Target.FromString(decompress(encoded.data, encoded.compression))


def encoded(message: target_pb2.Target) -> target_pb2.EncodedTarget:
    data = message.SerializeToString()
    return target_pb2.EncodedTarget(data=data, sha256=hashlib.sha256(data).digest())


def example() -> Target:
    target = Target(num_qubits=2, qubit_properties=[QubitProperties(1.0)] * 2)
    target.add_instruction(CXGate(), {(0, 1): InstructionProperties(1e-7, 0.5), (1, 0): None})
    target.add_instruction(RZGate(Parameter("a")), {(0,): None}, angle_bounds=[(0, 1)])
    target.add_instruction(Twist(0.5), name="twist")
    return target


def spoil(change: Callable[[target_pb2.Target], object]) -> target_pb2.EncodedTarget:
    message = message_of(example())
    change(message)
    return encoded(message)


# In the order of their names.
CX, RZ, TWIST = range(3)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda m: m.instructions[CX].sites.qubits.append(3), r"Target\.cx\.sites: 5 qubits"),
        (lambda m: m.instructions[CX].sites.durations.append(3), r"cx\.sites: it has 3 durations"),
        (lambda m: m.instructions[CX].sites.errors.append(3), r"cx\.sites: it has 3 errors for 2"),
        (lambda m: m.instructions[CX].sites.num_qubits.append(0), r"3 numbers of qubits are for 2"),
        (
            lambda m: setattr(m.instructions[CX].sites, "anywhere", 1),
            r"cx\.sites: row 1 of 2 is not one without qubits",
        ),
        (lambda m: setattr(m.instructions[CX].sites, "anywhere", 7), r"row 7 of 2"),
        (
            lambda m: m.instructions[CX].sites.qubits.__setitem__(slice(0, 2), [1, 0]),
            r"cx\.sites: it has the same qubits twice",
        ),
        (lambda m: m.instructions[CX].sites.special.add(row=2), r"entry 0 is for row 2 of 2"),
        (lambda m: m.instructions[CX].sites.special.add(row=1), r"row 1 tells more"),
        (lambda m: m.instructions.append(m.instructions[CX]), r"two operations of this name"),
        (lambda m: m.instructions[RZ].operation.parameters.clear(), r"rz: .* cannot be built"),
        (
            lambda m: m.instructions[RZ].operation.parameters[0].value.SetInParent(),
            r"rz\.parameters\[0\]: the value is not set",
        ),
        (lambda m: m.instructions[RZ].angle_bounds.add(), r"Target\.rz: "),
        (lambda m: setattr(m.instructions[TWIST].operation, "qpy", b"GIF89a!"), r"does not begin"),
        (
            lambda m: setattr(
                m.instructions[TWIST].operation, "qpy", m.instructions[TWIST].operation.qpy[:-9]
            ),
            r"Target\.twist: its QPY payload cannot be read",
        ),
        (
            lambda m: m.qubit_properties.t1.append(1),
            r"qubit_properties: its columns have \[3, 2, 2",
        ),
        (lambda m: setattr(m, "num_qubits", 3), r"Target: "),
    ],
)
def test_contradiction_is_refused_with_its_place(
    change: Callable[[target_pb2.Target], object], complaint: str
) -> None:
    with pytest.raises(CodecError, match=complaint):
        decode_target(spoil(change))


@pytest.mark.parametrize("pairs", [[0], [0, 2]], ids=["half a pair", "no such qubit"])
def test_couplings_that_are_none_are_refused(pairs: list[int]) -> None:
    message = message_of(example())
    message.coupling.num_qubits = 2
    message.coupling.pairs.extend(pairs)
    with pytest.raises(CodecError, match="couplings are no pairs of 2 qubits"):
        decode_target(encoded(message))


@pytest.mark.parametrize("order", [[0], [0, 1, 1], [0, 1, 3]])
def test_order_that_is_none_is_refused(order: list[int]) -> None:
    target = encode_target(example())
    del target.order[:]
    target.order.extend(order)
    with pytest.raises(CodecError, match="its order is none of its 3 operations"):
        decode_target(target)


def test_wrong_digest_is_refused() -> None:
    target = encode_target(example())
    target.sha256 = hashlib.sha256(b"").digest()
    with pytest.raises(CodecError, match="do not have the digest"):
        decode_target(target)


def test_bytes_that_are_no_message_are_refused() -> None:
    data = b"\xff\xff\xff"
    target = target_pb2.EncodedTarget(data=data, sha256=hashlib.sha256(data).digest())
    with pytest.raises(CodecError, match="its bytes are no Target"):
        decode_target(target)
    target.compression = COMPRESSION_ZSTD
    with pytest.raises(CodecError, match="Zstandard frame"):
        decode_target(target)


@pytest.mark.parametrize("version", [5, 12])
def test_old_qpy_is_refused_before_it_is_parsed(version: int) -> None:
    message = message_of(example())
    payload = bytearray(message.instructions[TWIST].operation.qpy)
    payload[6] = version
    message.instructions[TWIST].operation.qpy = bytes(payload)
    with pytest.raises(CodecError, match=rf"twist: its QPY version {version} is refused"):
        decode_target(encoded(message))


def test_qpy_newer_than_this_qiskit_becomes_an_operation_without_definition() -> None:
    message = message_of(example())
    payload = bytearray(message.instructions[TWIST].operation.qpy)
    payload[6] = qpy.QPY_VERSION + 1
    message.instructions[TWIST].operation.qpy = bytes(payload)
    operation = decode_target(encoded(message)).operation_from_name("twist")
    assert type(operation) is Gate
    assert (operation.name, operation.num_qubits, operation.params) == ("twist", 2, [0.5])
    assert operation.definition is None


def test_qpy_of_several_operations_is_refused() -> None:
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    buffer = io.BytesIO()
    qpy.dump(circuit, buffer, version=13)
    message = message_of(example())
    message.instructions[TWIST].operation.qpy = buffer.getvalue()
    with pytest.raises(CodecError, match="QPY payload cannot be read"):
        decode_target(encoded(message))


@pytest.fixture
def trap_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that could be imported, and must not be."""
    tmp_path.joinpath("sprung_trap.py").write_text(
        "from qiskit.circuit.library import XGate\n"
        "from qiskit.transpiler import InstructionProperties\n"
        "from qiskit.providers import QubitProperties\n"
        "class Own(XGate): pass\n"
        "class OwnProperties(InstructionProperties): pass\n"
        "class OwnQubitProperties(QubitProperties): pass\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    return "sprung_trap"


def test_module_that_a_target_names_is_not_imported(trap_module: str) -> None:
    target = Target(num_qubits=1, qubit_properties=[QubitProperties(1.0)])
    target.add_instruction(XGate(), {(0,): InstructionProperties(1e-8)})
    target.add_instruction(XGate, name="class")
    message = message_of(target)
    by_name = {instruction.name: instruction for instruction in message.instructions}
    by_name["x"].operation.class_name = f"{trap_module}:Own"
    by_name["class"].operation.class_name = f"{trap_module}:Own"
    special = by_name["x"].sites.special.add(row=0, class_name=f"{trap_module}:OwnProperties")
    special.extra.json = '{"drift":0.5}'
    special = message.qubit_properties.special.add(
        row=0, class_name=f"{trap_module}:OwnQubitProperties"
    )
    special.extra.json = '{"operational":false}'
    received = decode_target(encoded(message))
    assert trap_module not in sys.modules
    assert type(received.operation_from_name("x")) is Gate
    assert received.operation_from_name("class") is Gate
    properties = received["x"][(0,)]
    assert (type(properties), properties.drift) == (InstructionProperties, 0.5)
    assert properties.duration == 1e-8
    [qubit] = read_qubits(message.qubit_properties)
    assert (type(qubit), qubit.operational, qubit.t1) == (FurtherQubitProperties, False, 1.0)


@pytest.mark.parametrize(
    "path",
    [
        "os:system",
        "builtins:eval",
        "qiskit.circuit:QuantumCircuit",
        "qiskit.circuit:Parameter",
        "qiskit.circuit.library.standard_gates.x:np.ndarray",
        "qiskit.circuitry:Gate",
        "..qiskit.circuit:XGate",
        "qiskit.circuit.library",
        "qiskit.circuit.no_such_module:XGate",
        "",
    ],
)
def test_class_that_is_no_operation_becomes_a_plain_one(path: str) -> None:
    message = message_of(two_qubits(XGate(label="mine")))
    [instruction] = message.instructions
    instruction.operation.class_name = path
    operation = decode_target(encoded(message)).operation_from_name("x")
    assert type(operation) is Gate
    assert (operation.name, operation.label, operation.num_qubits) == ("x", "mine", 1)
    instruction.operation.is_gate = False
    instruction.operation.num_clbits = 1
    operation = decode_target(encoded(message)).operation_from_name("x")
    assert (type(operation), operation.num_clbits) == (Instruction, 1)


def test_qubit_without_properties_arrives_as_this_qiskit_can_hold_it() -> None:
    message = message_of(example())
    message.qubit_properties.known = b"\x00\x03"
    first, second = decode_target(encoded(message)).qubit_properties
    assert getattr(first, "t1", None) is None
    assert second.t1 == 1.0


MESSAGES = [message_of(target).SerializeToString() for target in (example(), *traps().values())]


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_damaged_message_is_a_codec_error_or_a_target(data: st.DataObject) -> None:
    message = bytearray(data.draw(st.sampled_from(MESSAGES)))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(message) - 1))
        message[place] = data.draw(st.integers(0, 255))
    damaged = bytes(message)
    target = target_pb2.EncodedTarget(data=damaged, sha256=hashlib.sha256(damaged).digest())
    with contextlib.suppress(CodecError):
        assert isinstance(decode_target(target), Target)

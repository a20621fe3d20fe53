"""Results cross the wire as the backend returned them: ``to_dict`` is equal, types included."""

from __future__ import annotations

import copy
import hashlib
import random
from contextlib import suppress
from datetime import UTC, datetime

import numpy as np
import pytest
from google.protobuf.message import DecodeError
from hypothesis import given, settings, strategies as st
from qiskit import QuantumCircuit
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.quantum_info import Clifford, StabilizerState, Statevector
from qiskit.result import Result
from qiskit.result.models import (
    ExperimentResult,
    ExperimentResultData,
    MeasLevel,
    MeasReturnType,
)
from qiskit_aer import AerSimulator

from longwire.codecs.result import (
    decode_result,
    encode_result,
    result_from_proto,
    result_to_proto,
)
from longwire.codecs.value import MAXIMUM_DEPTH
from longwire.errors import CodecError
from longwire.v1 import array_pb2, program_pb2, result_pb2, value_pb2

FORMATS = [program_pb2.COUNTS_FORMAT_COMPACT, program_pb2.COUNTS_FORMAT_BITSTRINGS]


def round_trip(result: Result, **arguments: object) -> Result:
    encoded = encode_result(result, **arguments)
    return decode_result(result_pb2.EncodedResult.FromString(encoded.SerializeToString()))


def assert_equal(received: object, sent: object) -> None:
    """Equal all the way down, arrays and quantum objects to the last bit."""
    if isinstance(sent, dict):
        assert isinstance(received, dict)
        assert list(received) == list(sent)
        for name in sent:
            assert_equal(received[name], sent[name])
    elif isinstance(sent, (list, tuple)):
        assert type(received) is type(sent)
        assert len(received) == len(sent)
        for one, other in zip(received, sent, strict=True):
            assert_equal(one, other)
    elif isinstance(sent, np.ndarray):
        assert (received.dtype, received.shape) == (sent.dtype, sent.shape)
        assert received.tobytes() == sent.tobytes()
    elif isinstance(sent, StabilizerState):
        assert_equal(received.clifford.tableau, sent.clifford.tableau)
    elif isinstance(sent, Clifford):
        assert_equal(received.tableau, sent.tableau)
    elif hasattr(sent, "_op_shape"):
        assert_equal(received.data, sent.data)
        assert repr(received._op_shape) == repr(sent._op_shape)
    else:
        # Enums may arrive as their base type, Aer's classes as qiskit's, a level as its enum.
        assert isinstance(sent, type(received)) or isinstance(received, type(sent))
        assert repr(received) == repr(sent) or received == sent


def result_of(experiments: list[ExperimentResult], **changes: object) -> Result:
    arguments = {
        "backend_name": "machine",
        "backend_version": "1.2.3",
        "job_id": "local",
        "success": True,
        "results": experiments,
        "date": "2026-01-02T03:04:05",
        "status": "COMPLETED",
    }
    return Result(**{**arguments, **changes})


def experiment_of(data: dict | None = None, **changes: object) -> ExperimentResult:
    arguments = {
        "shots": 100,
        "success": True,
        "header": {"name": "bell", "memory_slots": 3, "creg_sizes": [["c", 3]]},
        "status": "DONE",
    }
    return ExperimentResult(data=ExperimentResultData(**(data or {})), **{**arguments, **changes})


def asymmetric_circuit() -> QuantumCircuit:
    circuit = QuantumCircuit(3, 4, name="asymmetric", metadata={"point": 3, "angles": [0.1, 2]})
    circuit.x(0)
    circuit.h(1)
    circuit.measure([0, 1, 2], [3, 0, 1])
    return circuit


@pytest.mark.parametrize("counts_format", FORMATS)
@pytest.mark.parametrize("simulator", [AerSimulator(), BasicSimulator()], ids=["aer", "basic"])
def test_result_of_a_simulator_comes_back_equal(simulator, counts_format):
    local = simulator.run(asymmetric_circuit(), shots=200, memory=True, seed_simulator=5).result()
    sent = copy.deepcopy(local.to_dict())
    remote = round_trip(local, counts_format=counts_format)
    assert_equal(remote.to_dict(), sent)
    assert remote.get_counts() == local.get_counts()
    assert remote.get_memory() == local.get_memory()
    assert_equal(local.to_dict(), sent)


def test_result_of_many_circuits_keeps_their_order():
    circuits = [asymmetric_circuit().copy(name=f"c{index}") for index in range(20)]
    local = AerSimulator().run(circuits, shots=50, seed_simulator=1).result()
    assert_equal(round_trip(local).to_dict(), local.to_dict())


def test_result_takes_the_job_id_that_it_is_given():
    remote = round_trip(result_of([experiment_of()]), job_id="job-7")
    assert remote.job_id == "job-7"
    assert_equal(remote.to_dict() | {"job_id": "local"}, result_of([experiment_of()]).to_dict())


@pytest.mark.parametrize(
    "changes",
    [
        {"backend_name": None, "backend_version": None, "success": None, "status": None},
        {"date": None},
        {"date": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)},
        {"header": None},
        {"header": {}},
        {"header": {"a": {"b": [1, (2, 3)]}}},
        {"header": {1: 2}},
        {"status": ["odd"]},
        {"backend_version": 2},
        {"success": "yes"},
        {"results": []},
        {"metadata": {"np": np.float64(0.1), "deep": [{"x": 1j}]}, "time_taken": 0.25},
    ],
    ids=lambda changes: "-".join(changes),
)
def test_member_of_a_result_comes_back_with_its_type(changes):
    sent = (
        result_of(**{"experiments": [experiment_of()], **changes})
        if ("results" not in changes)
        else result_of([], **changes)
    )
    assert_equal(round_trip(sent).to_dict(), sent.to_dict())


@pytest.mark.parametrize(
    "changes",
    [
        {"shots": 0},
        {"shots": (5, 104)},
        {"shots": [5, 104]},
        {"shots": 1.5},
        {"shots": None},
        {"shots": True},
        {"success": False},
        {"success": None},
        {"meas_level": MeasLevel.RAW},
        {"meas_level": MeasLevel.KERNELED, "meas_return": MeasReturnType.AVERAGE},
        {"meas_level": 2, "meas_return": "single"},
        {"meas_level": 7},
        {"meas_level": None},
        {"header": None},
        {"header": {}},
        {"header": {1: 2}},
        {"status": None},
        {"seed": 0},
        {"seed": 2**64 - 1},
        {"seed": -1},
        {"seed": 2**100},
        {"seed_simulator": np.int32(5), "metadata": {"method": "stabilizer"}, "time_taken": 1e-9},
    ],
    ids=repr,
)
def test_member_of_an_experiment_comes_back_with_its_type(changes):
    sent = result_of([experiment_of(**changes)])
    received = round_trip(sent)
    assert_equal(received.to_dict(), sent.to_dict())
    for name in ("header", "status", "seed", "meas_return"):
        assert hasattr(received.results[0], name) == hasattr(sent.results[0], name)


def test_measurement_level_comes_back_as_qiskits_enum():
    assert type(round_trip(result_of([experiment_of()])).results[0].meas_level) is MeasLevel


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ({"0x3": 5, "0x0": 7}, "counts"),
        ({}, "counts"),
        ({"0x0": 0}, "counts"),
        ({"0x1f": 2**64 - 1}, "counts"),
        ({hex(2**200 + 1): 5, "0x0": 7}, "counts"),
        ({"0x1F": 1}, "value"),
        ({"0x01": 1}, "value"),
        ({"0X1": 1}, "value"),
        ({"0x1_0": 1}, "value"),
        ({"1f": 1}, "value"),
        ({"101": 1}, "value"),
        ({"0b1": 1}, "value"),
        ({"-0x1": 1}, "value"),
        ({"0x1": 0.5}, "value"),
        ({"0x1": -1}, "value"),
        ({"0x1": 2**64}, "value"),
        ({"0x1": True}, "value"),
        ({"0x1": np.int64(4)}, "value"),
        ({1: 4}, "value"),
        (["0x1"], "value"),
    ],
    ids=str,
)
@pytest.mark.parametrize("counts_format", FORMATS)
def test_counts_come_back_equal_whatever_their_form(counts, kind, counts_format):
    sent = result_of([experiment_of({"counts": counts})])
    message = result_to_proto(sent, counts_format=counts_format)
    if counts_format == program_pb2.COUNTS_FORMAT_COMPACT:
        assert message.results[0].data[0].WhichOneof("data") in (kind, "counts")
    if kind == "value":
        assert message.results[0].data[0].WhichOneof("data") == kind
    assert_equal(result_from_proto(message).to_dict(), sent.to_dict())


@given(
    st.integers(1, 150).flatmap(
        lambda bits: st.tuples(
            st.just(bits),
            st.dictionaries(st.integers(0, 2**bits - 1).map(hex), st.integers(0, 2**64 - 1)),
        )
    ),
    st.sampled_from(FORMATS),
)
@settings(deadline=None)
def test_counts_of_any_width_come_back_equal(sized_counts, counts_format):
    num_bits, counts = sized_counts
    header = {"memory_slots": num_bits}
    sent = result_of([experiment_of({"counts": counts}, header=header)])
    received = round_trip(sent, counts_format=counts_format)
    assert_equal(received.to_dict(), sent.to_dict())


@pytest.mark.parametrize("num_bits", [65, 70, 128, 133])
@pytest.mark.parametrize("counts_format", FORMATS)
def test_outcomes_of_aer_above_64_bits_are_packed_and_come_back_equal(num_bits, counts_format):
    circuit = QuantumCircuit(num_bits, num_bits)
    # Its highest bits are zeros, which Aer writes for words below the first alone.
    circuit.h(0)
    circuit.x(3)
    circuit.measure(range(num_bits), range(num_bits))
    sent = AerSimulator().run(circuit, shots=20, seed_simulator=1, memory=True).result()
    message = result_to_proto(sent, counts_format=counts_format)
    kinds = {field.name: field.WhichOneof("data") for field in message.results[0].data}
    assert kinds == {"counts": "counts", "memory": "memory"}
    received = result_from_proto(message)
    assert received.data(0) == sent.data(0)
    assert received.get_counts() == sent.get_counts()


@pytest.mark.parametrize(
    ("header", "num_bits"),
    [
        ({"memory_slots": 5}, 5),
        ({"creg_sizes": [["a", 2], ["b", 4]]}, 6),
        ({"memory_slots": 2}, 3),
        ({"memory_slots": "x", "creg_sizes": 3}, 3),
        ({}, 3),
        (None, 3),
    ],
    ids=str,
)
def test_counts_state_as_many_bits_as_the_circuit_has(header, num_bits):
    message = result_to_proto(
        result_of([experiment_of({"counts": {"0x1": 2, "0x4": 3}}, header=header)]),
        counts_format=program_pb2.COUNTS_FORMAT_BITSTRINGS,
    )
    counts = message.results[0].data[0].counts
    assert counts.num_bits == num_bits
    assert list(counts.bitstrings) == [f"{1:0{num_bits}b}", f"{4:0{num_bits}b}"]
    assert not counts.outcomes


def test_memory_is_packed_into_rows_with_the_first_bit_last():
    experiment = experiment_of({"memory": ["0x1", "0x200", "0x0"]}, header={"memory_slots": 10})
    packed = result_to_proto(result_of([experiment])).results[0].data[0].memory
    assert (packed.num_bits, packed.num_shots) == (10, 3)
    assert packed.data == bytes([0, 1, 2, 0, 0, 0])


@pytest.mark.parametrize("num_bits", [1, 8, 9, 64, 65, 127])
def test_memory_of_many_shots_comes_back_equal_in_as_little_as_its_bits_need(num_bits):
    generator = random.Random(num_bits)
    memory = [hex(generator.getrandbits(num_bits)) for _ in range(20_000)]
    sent = result_of([experiment_of({"memory": memory}, header={"memory_slots": num_bits})])
    encoded = encode_result(sent)
    assert encoded.ByteSize() <= 1.1 * ((num_bits + 7) // 8) * len(memory) + 500
    assert_equal(decode_result(encoded).to_dict(), sent.to_dict())


@pytest.mark.parametrize(
    "memory",
    [
        [],
        ["0x0"],
        ["0x0", "0x01"],
        ["00", "01"],
        ["0x0", 1],
        ["0x0", ["0x1"]],
        [[[0.5, 1.5], [2.5, 3.5]]] * 30,
        [[0.5, -0.0], [float("nan"), float("inf")]],
        [0.5 + 1j, 2j],
        np.arange(12).reshape(3, 2, 2) * 1j,
        "0x0",
    ],
    ids=lambda memory: str(memory)[:20],
)
def test_memory_of_any_form_comes_back_equal(memory):
    sent = result_of([experiment_of({"memory": memory})])
    assert_equal(round_trip(sent).to_dict(), sent.to_dict())


def test_data_of_every_other_kind_comes_back_in_order():
    data = {
        "counts": {"0x1": 3},
        "snapshots": {"statevector": {"final": [[0.5, 0.5]]}},
        "statevector": Statevector([1, 0, 0, 0, 0, 0], dims=(2, 3)),
        "unitary": np.eye(4, dtype=complex),
        "zz_expval": np.float64(0.25),
        "conditional": {"0x0": [np.arange(3)], "0x1": []},
        "mps": ([(np.eye(2), np.eye(2))], [np.array([1.0])]),
        "a label of several words": [1, 2.0, None],
    }
    sent = result_of([experiment_of(data)])
    assert_equal(round_trip(sent).to_dict(), sent.to_dict())


@pytest.mark.parametrize(
    ("result", "place"),
    [
        (
            result_of([experiment_of(), experiment_of({"foo": {"a": [{1, 2}]}})]),
            "results[1].data.foo.a[0]: ",
        ),
        (
            result_of([experiment_of(header={"metadata": {"x": object()}})]),
            "results[0].header.metadata.x: ",
        ),
        (result_of([experiment_of(noise=object())]), "results[0].noise: "),
        (result_of([], date=object()), "date: "),
        (result_of([], header={"x": [object()]}), "header.x[0]: "),
        (result_of([], metadata={"x": object()}), "metadata.x: "),
    ],
    ids=["data", "header", "metadata", "date", "result-header", "result-metadata"],
)
def test_result_that_cannot_be_represented_is_refused_with_the_place(result, place):
    with pytest.raises(CodecError) as caught:
        encode_result(result)
    assert caught.value.message.startswith(place)


@pytest.mark.parametrize("wrap", [lambda x: {"a": x}, lambda x: [x], lambda x: {1: x}])
def test_data_nested_to_the_limit_fits_into_a_message_that_can_be_parsed(wrap):
    value = Statevector([0.6, 0.8])
    for _ in range(MAXIMUM_DEPTH):
        value = wrap(value)
    sent = result_of([experiment_of({"deep": value})])
    assert_equal(round_trip(sent).to_dict(), sent.to_dict())


def test_large_result_is_compressed_where_it_pays():
    sent = result_of([experiment_of({"text": "the same words " * 10_000})])
    encoded = encode_result(sent)
    assert encoded.compression == array_pb2.COMPRESSION_ZSTD
    assert len(encoded.data) < 5_000
    assert_equal(decode_result(encoded).to_dict(), sent.to_dict())


def encoded_of(data: bytes, **changes: object) -> result_pb2.EncodedResult:
    return result_pb2.EncodedResult(data=data, sha256=hashlib.sha256(data).digest(), **changes)


@pytest.mark.parametrize(
    ("encoded", "complaint"),
    [
        (result_pb2.EncodedResult(data=b"x"), "digest does not match"),
        (encoded_of(b"\xff\xff\xff"), "not a longwire.v1.Result"),
        (encoded_of(b"nothing", compression=array_pb2.COMPRESSION_ZSTD), "Zstandard frame"),
        (encoded_of(b"nothing", compression=9), "newer than this version"),
    ],
    ids=["digest", "message", "frame", "compression"],
)
def test_encoded_result_that_is_damaged_is_refused(encoded, complaint):
    with pytest.raises(CodecError, match=complaint):
        decode_result(encoded)


def data_field(**kind: object) -> result_pb2.Result:
    field = result_pb2.DataField(name="counts", **kind)
    return result_pb2.Result(results=[result_pb2.ExperimentResult(data=[field])])


Counts, PackedBits = result_pb2.Counts, result_pb2.PackedBits


@pytest.mark.parametrize(
    "message",
    [
        data_field(counts=Counts(num_bits=2, outcomes=[1, 2], counts=[5])),
        data_field(counts=Counts(num_bits=1, outcomes=[1, 2], counts=[5, 6])),
        data_field(counts=Counts(num_bits=2, outcomes=[1, 1], counts=[5, 6])),
        data_field(counts=Counts(num_bits=2, outcomes=[1], bitstrings=["01"], counts=[5])),
        data_field(counts=Counts(num_bits=2, bitstrings=["1"], counts=[5])),
        data_field(counts=Counts(num_bits=2, bitstrings=["+1"], counts=[5])),
        data_field(counts=Counts(num_bits=70, wide_outcomes=bytes(10), counts=[5])),
        data_field(counts=Counts(num_bits=0, wide_outcomes=bytes(10), counts=[5])),
        data_field(memory=PackedBits(num_bits=0, num_shots=2**60)),
        data_field(memory=PackedBits(num_bits=9, num_shots=2, data=bytes(3))),
        data_field(memory=PackedBits(num_bits=3, num_shots=1, data=b"\x08")),
        data_field(memory=PackedBits(num_bits=3, num_shots=2**60, data=b"\x08")),
        data_field(value=value_pb2.Value()),
        data_field(),
        result_pb2.Result(results=[result_pb2.ExperimentResult(meas_level=9)]),
        result_pb2.Result(results=[result_pb2.ExperimentResult(meas_return="sometimes")]),
        result_pb2.Result(
            metadata=value_pb2.StructValue(
                fields=[value_pb2.StructField(name="job_id", value={"int_value": 1})]
            )
        ),
    ],
    ids=[
        *["lengths", "beyond-bits", "twice", "two-forms", "short-string", "no-digit"],
        *["wide-length", "no-bits", "no-row", "row-length", "row-bits", "row-count"],
        *["no-value", "no-data", "level", "return", "member-twice"],
    ],
)
def test_message_that_contradicts_itself_is_refused(message):
    with pytest.raises(CodecError):
        result_from_proto(message)


SERIALIZED = result_to_proto(
    AerSimulator().run(asymmetric_circuit(), shots=20, memory=True).result()
).SerializeToString()


@given(st.data())
@settings(max_examples=400, deadline=None)
def test_damaged_bytes_give_a_codec_error_or_another_result_but_never_a_crash(data):
    damaged = bytearray(SERIALIZED)
    for _ in range(data.draw(st.integers(1, 5))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(CodecError, DecodeError):
        result_from_proto(result_pb2.Result.FromString(bytes(damaged)))

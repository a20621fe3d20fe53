"""Primitive results cross the wire with equal shapes, bits, numbers and metadata."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as arrays
from qiskit import ClassicalRegister, QuantumCircuit
from qiskit.primitives import (
    BackendEstimatorV2,
    BitArray,
    DataBin,
    PrimitiveResult,
    PubResult,
    SamplerPubResult,
    StatevectorSampler,
)
from qiskit_aer import AerSimulator
from qiskit_aer.primitives import EstimatorV2, SamplerV2
from same_results import assert_same_primitive_results

from longwire.codecs.primitive_result import (
    decode_primitive_result,
    decode_pub_result,
    encode_primitive_result,
    encode_pub_result,
    join_pub_results,
    primitive_result_from_proto,
    primitive_result_to_proto,
    pub_result_to_proto,
)
from longwire.errors import CodecError
from longwire.v1 import array_pb2, primitive_result_pb2, result_pb2


def crossed(result: PrimitiveResult[Any]) -> PrimitiveResult[Any]:
    encoded = encode_primitive_result(result)
    return decode_primitive_result(result_pb2.EncodedResult.FromString(encoded.SerializeToString()))


def of_one(data: DataBin, metadata: dict[str, Any] | None = None) -> PrimitiveResult[Any]:
    return PrimitiveResult([SamplerPubResult(data, metadata)])


def bits(shape: tuple[int, ...], num_shots: int, num_bits: int, seed: int = 1) -> BitArray:
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, 2, (*shape, num_shots, num_bits), dtype=np.uint8)
    return BitArray.from_bool_array(drawn.astype(bool))


@pytest.mark.parametrize("shape", [(), (1,), (3,), (2, 3), (0,), (2, 0, 3)], ids=repr)
@pytest.mark.parametrize("num_bits", [0, 1, 7, 8, 9, 127])
@pytest.mark.parametrize("num_shots", [0, 1, 100])
def test_bits_of_any_shape_come_back_equal(
    shape: tuple[int, ...], num_bits: int, num_shots: int
) -> None:
    sent = of_one(DataBin(c=bits(shape, num_shots, num_bits), shape=shape))
    received = crossed(sent)
    assert_same_primitive_results(received, sent)
    assert received[0].data.c.num_shots == num_shots


def test_bits_in_a_view_of_another_array_come_back_equal() -> None:
    whole = np.random.default_rng(2).integers(0, 256, (4, 10, 3), dtype=np.uint8)
    sent = of_one(DataBin(c=BitArray(whole[::2, ::-1, 1:], 13), shape=(2,)))
    assert_same_primitive_results(crossed(sent), sent)


def test_arrays_come_back_writable() -> None:
    received = crossed(of_one(DataBin(c=bits((2,), 5, 3), evs=np.zeros(2), shape=(2,))))
    received[0].data.c.array[0, 0, 0] = 7
    received[0].data.evs[0] = 7
    assert received[0].data.evs[0] == 7


def test_many_equal_shots_travel_compressed() -> None:
    zeros = BitArray(np.zeros((100_000, 1), np.uint8), 5)
    assert encode_primitive_result(of_one(DataBin(c=zeros))).ByteSize() < 1000


@settings(max_examples=60, deadline=None)
@given(
    arrays.arrays(
        st.one_of(
            arrays.boolean_dtypes(),
            arrays.integer_dtypes(),
            arrays.floating_dtypes(sizes=(16, 32, 64)),
            arrays.complex_number_dtypes(sizes=(64, 128)),
        ),
        arrays.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=5),
    )
)
def test_arrays_of_any_type_come_back_equal(array: np.ndarray) -> None:
    received = crossed(PrimitiveResult([PubResult(DataBin(evs=array, shape=array.shape))]))
    back = received[0].data.evs
    assert back.dtype == array.dtype.newbyteorder("=")
    assert back.shape == array.shape
    np.testing.assert_array_equal(back, array)


def test_fields_keep_their_order_and_names_that_are_words_of_python() -> None:
    fields = {name: bits((2,), 3, 2) for name in ("lambda", "class", "b", "a", "None", "Größe")}
    sent = of_one(DataBin(shape=(2,), **fields))
    received = crossed(sent)
    assert list(received[0].data) == list(fields)
    assert_same_primitive_results(received, sent)


def test_fields_that_are_neither_bits_nor_arrays_come_back_equal() -> None:
    data = DataBin(number=np.float64(0.5), words=["a", ("b", 3)], none=None, plain=1.5)
    assert_same_primitive_results(crossed(of_one(data)), of_one(data))


def test_metadata_comes_back_with_its_types() -> None:
    metadata = {
        "shots": 100,
        "precision": np.float32(0.5),
        "nested": {"seed": np.int64(7), "list": [1, (2, {"three": 3j})], 5: "five"},
        "array": np.arange(6, dtype=np.uint16).reshape(2, 3),
        "none": None,
    }
    sent = PrimitiveResult([PubResult(DataBin(evs=np.zeros(())), metadata)], metadata)
    received = crossed(sent)
    assert_same_primitive_results(received, sent)
    assert type(received[0].metadata["nested"]["seed"]) is np.int64


def test_pub_results_keep_their_class() -> None:
    sent = PrimitiveResult([PubResult(DataBin()), SamplerPubResult(DataBin())])
    assert [type(each) for each in crossed(sent)] == [PubResult, SamplerPubResult]


def test_a_result_without_pubs_comes_back() -> None:
    received = crossed(PrimitiveResult([], {"version": 2}))
    assert len(received) == 0
    assert received.metadata == {"version": 2}


def sampled(registers: dict[str, int]) -> QuantumCircuit:
    circuit = QuantumCircuit(3, name="sampled", metadata={"where": ("lab", 3)})
    for name, size in registers.items():
        circuit.add_register(ClassicalRegister(size, name))
    circuit.h(range(3))
    circuit.measure(range(3), range(3))
    return circuit


def test_what_samplers_return_comes_back_equal() -> None:
    circuit = sampled({"left": 2, "right": 1, "unused": 9})
    for sampler in (
        SamplerV2.from_backend(AerSimulator(), seed=3),
        StatevectorSampler(seed=3),
    ):
        sent = sampler.run([(circuit, None, 50), (circuit, None, 7)]).result()
        received = crossed(sent)
        assert_same_primitive_results(received, sent)
        assert received[1].data.left.get_counts() == sent[1].data.left.get_counts()
        assert received[0].join_data() == sent[0].join_data()


def test_what_estimators_return_comes_back_equal() -> None:
    circuit = QuantumCircuit(2)
    circuit.h(0)
    pubs = [(circuit, ["ZZ", "XI", "IX"]), (circuit, "XX")]
    for estimator in (
        EstimatorV2(),
        BackendEstimatorV2(backend=AerSimulator(), options={"seed_simulator": 5}),
    ):
        sent = estimator.run(pubs, precision=0.1).result()
        assert_same_primitive_results(crossed(sent), sent)


def test_the_result_of_one_pub_comes_back_alone() -> None:
    sent = SamplerPubResult(DataBin(c=bits((2,), 9, 4), shape=(2,)), {"shots": 9})
    received = decode_pub_result(encode_pub_result(sent))
    assert_same_primitive_results(PrimitiveResult([received]), PrimitiveResult([sent]))


def test_joined_pubs_are_the_message_of_the_whole_result() -> None:
    result = PrimitiveResult(
        [PubResult(DataBin(evs=np.arange(3.0), shape=(3,)), {"n": n}) for n in range(3)],
        OrderedDict(version=2),
    )
    joined = join_pub_results(map(pub_result_to_proto, result), result.metadata)
    assert joined == primitive_result_to_proto(result)


def test_what_cannot_be_sent_is_told_with_its_place() -> None:
    odd = PubResult(DataBin(evs=np.array([None, "x"], dtype=object), shape=(2,)))
    with pytest.raises(CodecError, match=r"^pub_results\[1\]\.data\.evs: an array of object"):
        encode_primitive_result(PrimitiveResult([PubResult(DataBin()), odd]))
    with pytest.raises(CodecError, match=r"^data\.evs: an array of object"):
        encode_pub_result(odd)
    unknown = PubResult(DataBin(), {"deep": [object()]})
    with pytest.raises(CodecError, match=r"^metadata\.deep\[0\]: an object of type"):
        encode_pub_result(unknown)
    with pytest.raises(CodecError, match=r"^metadata: the name 3"):
        encode_primitive_result(PrimitiveResult([], {3: 4}))
    with pytest.raises(CodecError, match=r"data: the name .* UTF-8"):
        encode_pub_result(PubResult(DataBin(**{"\ud800": 1})))


def message_of_bits() -> primitive_result_pb2.PrimitiveResult:
    return primitive_result_to_proto(of_one(DataBin(c=bits((2,), 3, 4), shape=(2,))))


def test_bits_that_do_not_fill_their_shape_are_refused() -> None:
    message = message_of_bits()
    message.pub_results[0].data.fields[0].bit_array.num_shots = 4
    with pytest.raises(CodecError, match=r"pub_results\[0\]\.data\.c: it has 6 rows for 4 shots"):
        primitive_result_from_proto(message)
    message = message_of_bits()
    message.pub_results[0].data.fields[0].bit_array.bits.data += b"x"
    with pytest.raises(CodecError, match=r"data\.c: it holds 7 bytes where 6 belong"):
        primitive_result_from_proto(message)


def test_shapes_that_cannot_be_held_are_refused() -> None:
    message = message_of_bits()
    packed = message.pub_results[0].data.fields[0].bit_array
    packed.Clear()
    packed.shape.extend([0, 2**63])
    with pytest.raises(CodecError, match="cannot be held"):
        primitive_result_from_proto(message)
    message = message_of_bits()
    message.pub_results[0].data.shape[0] = 3
    with pytest.raises(CodecError, match=r"pub_results\[0\]\.data: it cannot be held by qiskit"):
        primitive_result_from_proto(message)


def test_fields_that_a_data_bin_cannot_have_are_refused() -> None:
    message = message_of_bits()
    message.pub_results[0].data.fields.add().CopyFrom(message.pub_results[0].data.fields[0])
    with pytest.raises(CodecError, match="it has two fields 'c'"):
        primitive_result_from_proto(message)
    message = message_of_bits()
    message.pub_results[0].data.fields[0].name = "shape"
    with pytest.raises(CodecError, match="cannot be held by qiskit"):
        primitive_result_from_proto(message)
    message.pub_results[0].data.fields[0].name = "newer"
    message.pub_results[0].data.fields[0].ClearField("bit_array")
    with pytest.raises(CodecError, match=r"data\.newer: the value is not set"):
        primitive_result_from_proto(message)


def test_damaged_bytes_are_refused() -> None:
    encoded = encode_primitive_result(of_one(DataBin(c=bits((2,), 3, 4), shape=(2,))))
    encoded.data = encoded.data[:-1] + b"?"
    with pytest.raises(CodecError, match="arrived damaged"):
        decode_primitive_result(encoded)
    encoded.data = b"\xff\xff\xff"
    encoded.sha256 = hashlib.sha256(encoded.data).digest()
    with pytest.raises(CodecError, match=r"not a longwire\.v1\.PrimitiveResult"):
        decode_primitive_result(encoded)
    with pytest.raises(CodecError, match=r"not a longwire\.v1\.PubResult"):
        decode_pub_result(encoded)
    encoded.compression = array_pb2.COMPRESSION_ZSTD
    with pytest.raises(CodecError, match=r"result: .*damaged"):
        decode_primitive_result(encoded)

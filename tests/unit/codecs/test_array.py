"""Arrays cross the wire byte for byte, and contradictory messages are refused unread."""

from __future__ import annotations

import numpy as np
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis.extra import numpy as hnp

from longwire.codecs.array import array_from_proto, array_to_proto
from longwire.errors import CodecError
from longwire.v1 import array_pb2

DTYPES = ["?", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "c8", "c16"]


def round_trip(array):
    return array_from_proto(array_pb2.Array.FromString(array_to_proto(array).SerializeToString()))


def assert_identical(received, sent):
    assert received.dtype == sent.dtype.newbyteorder("=")
    assert received.shape == sent.shape
    assert received.tobytes() == sent.astype(received.dtype).tobytes()
    assert received.flags.writeable
    assert received.flags.c_contiguous


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("dtype", DTYPES)
@given(
    data=hnp.array_shapes(min_dims=0, max_dims=4, min_side=0, max_side=4).flatmap(
        lambda shape: hnp.arrays(np.uint8, (*shape, 16))
    )
)
@settings(max_examples=20, deadline=None)
def test_array_of_every_type_and_byte_order_comes_back_identical(dtype, order, data):
    if dtype == "?":
        data &= 1
    typed = np.ascontiguousarray(data).view(np.dtype(dtype).newbyteorder(order))[..., 0]
    assert_identical(round_trip(typed), typed)


@pytest.mark.parametrize(
    "array",
    [
        np.array(1.5),
        np.zeros((0, 3)),
        np.zeros((3, 0, 2), complex),
        np.asfortranarray(np.arange(12).reshape(3, 4)),
        np.arange(12).reshape(3, 4).T,
        np.arange(20)[::-3],
        np.broadcast_to(np.float32(2), (3, 2)),
    ],
    ids=["0-d", "empty", "empty-3d", "fortran", "transposed", "strided", "broadcast"],
)
def test_array_of_any_layout_comes_back_in_c_order(array):
    assert_identical(round_trip(array), array)


def test_array_that_compresses_is_sent_small():
    state = np.zeros(2**16, complex)
    state[0] = state[-1] = 0.5**0.5
    message = array_to_proto(state)
    assert message.compression == array_pb2.COMPRESSION_ZSTD
    assert len(message.data) < state.nbytes / 100
    assert_identical(round_trip(state), state)


def test_array_of_random_numbers_is_sent_as_it_is():
    generator = np.random.default_rng(1)
    state = generator.normal(size=2**14) + 1j * generator.normal(size=2**14)
    message = array_to_proto(state)
    assert message.compression == array_pb2.COMPRESSION_UNSPECIFIED
    assert message.data == state.tobytes()


def test_array_with_a_constant_head_and_a_random_body_is_sent_as_it_is():
    generator = np.random.default_rng(1)
    mixed = np.concatenate([np.zeros(600), generator.normal(size=2**14)])
    assert array_to_proto(mixed).compression == array_pb2.COMPRESSION_UNSPECIFIED


@pytest.mark.parametrize(
    "array",
    [np.array(["a"]), np.array([None]), np.array([(1,)], "i4,"), np.array([1], "M8[s]")],
    ids=["text", "objects", "records", "dates"],
)
def test_array_of_other_elements_is_refused(array):
    with pytest.raises(CodecError, match="cannot be sent"):
        array_to_proto(array)


def message_of(**changes):
    message = array_to_proto(np.arange(6, dtype=np.int32).reshape(2, 3))
    for name, value in changes.items():
        if name == "shape":
            del message.shape[:]
            message.shape.extend(value)
        else:
            setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    "message",
    [
        message_of(shape=[2, 4]),
        message_of(shape=[]),
        message_of(shape=[0, 2**63]),
        message_of(shape=[2**40, 2**40]),
        message_of(shape=[6] + [1] * 70),
        message_of(data=b""),
        message_of(data=b"x" * 23),
        message_of(element_type=array_pb2.ELEMENT_TYPE_UNSPECIFIED),
        message_of(element_type=99),
        message_of(element_type=array_pb2.ELEMENT_TYPE_FLOAT64),
        message_of(compression=99),
        message_of(compression=array_pb2.COMPRESSION_ZSTD),
        message_of(element_type=array_pb2.ELEMENT_TYPE_BOOL, shape=[2], data=b"\x00\x02"),
    ],
    ids=[
        *["too-long", "single", "no-elements", "overflow", "dimensions", "no-data", "odd-data"],
        *["no-type", "new-type", "other-type", "new-compression", "no-frame", "not-boolean"],
    ],
)
def test_message_whose_parts_contradict_each_other_is_refused(message):
    with pytest.raises(CodecError):
        array_from_proto(message)


@pytest.mark.parametrize("shape", [[1], [2**27]], ids=["shape-small", "shape-honest"])
def test_compressed_data_is_measured_before_it_is_decompressed(shape, monkeypatch):
    bomb = zstandard.ZstdCompressor(level=19).compress(bytes(2**20))
    monkeypatch.setattr(zstandard, "ZstdDecompressor", None)
    message = message_of(data=bomb, compression=array_pb2.COMPRESSION_ZSTD, shape=shape)
    with pytest.raises(CodecError, match="1048576 bytes where"):
        array_from_proto(message)


def test_compressed_frame_without_its_size_is_refused():
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    frame = compressor.compress(bytes(24)) + compressor.flush()
    with pytest.raises(CodecError, match="does not state its content size"):
        array_from_proto(message_of(data=frame, compression=array_pb2.COMPRESSION_ZSTD))


@pytest.mark.parametrize("damage", [lambda frame: frame[:-3], lambda frame: frame + b"more"])
def test_compressed_frame_that_is_cut_or_longer_is_refused(damage):
    array = np.zeros(4096)
    message = array_to_proto(array)
    message.data = damage(message.data)
    with pytest.raises(CodecError, match="damaged"):
        array_from_proto(message)

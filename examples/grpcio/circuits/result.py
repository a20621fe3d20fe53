"""Results: fetched, checked, and read."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from typing import Any

import grpc
import zstandard

from circuits.errors import JobError, call_error
from circuits.retry import Retries
from longwire.v1 import array_pb2, job_service_pb2 as messages
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.result_pb2 import Counts, DataField, EncodedResult, PackedBits, Result

_COMPLEX = {array_pb2.ELEMENT_TYPE_COMPLEX128: "<2d", array_pb2.ELEMENT_TYPE_COMPLEX64: "<2f"}


def fetch(jobs: JobServiceStub, job_id: str, retries: Retries, metadata: Any) -> EncodedResult:
    """The result of a job, in chunks that are joined.

    Raises:
        CallError: there is none, or the connection is broken for too long.
    """
    request = messages.GetResultRequest(job_id=job_id)
    while True:
        try:
            encoded, chunks = EncodedResult(), []
            for response in jobs.GetResult(
                request, timeout=retries.left_seconds(), metadata=metadata
            ):
                retries.answered()
                if response.HasField("header"):
                    encoded.CopyFrom(response.header)
                chunks.append(response.chunk)
        except grpc.RpcError as broken:
            retries.wait(call_error(broken))
            continue
        encoded.data = b"".join(chunks)
        return encoded


def decode(encoded: EncodedResult) -> Result:
    """The message in a result's bytes.

    Raises:
        JobError: they are not those that were sent.
    """
    if hashlib.sha256(encoded.data).digest() != encoded.sha256:
        raise JobError("the result arrived damaged: fetch it once more")
    return Result.FromString(decompressed(encoded.data, encoded.compression))


def decompressed(data: bytes, compression: int) -> bytes:
    """The bytes of a field that may be compressed.

    Raises:
        JobError: in a way that this program does not know.
    """
    if compression == array_pb2.COMPRESSION_UNSPECIFIED:
        return data
    if compression != array_pb2.COMPRESSION_ZSTD:
        raise JobError(f"compression {compression} is newer than this program")
    return zstandard.decompress(data)


def lines(result: Result) -> Iterator[str]:
    """What there is to print of a result."""
    for experiment in result.results:
        for field in experiment.data:
            yield from _lines_of(field)


def _lines_of(field: DataField) -> Iterator[str]:
    match field.WhichOneof("data"):
        case "counts":
            for outcome, count in sorted(counts(field.counts)):
                yield f"count {outcome} {count}"
        case "memory":
            for row in shots(field.memory):
                yield f"shot {row}"
        case "value":
            for index, (real, imag) in enumerate(amplitudes(field)):
                yield f"amplitude {index} {real!r} {imag!r}"


def counts(message: Counts) -> Iterator[tuple[str, int]]:
    """Each outcome as bits, the highest first, with how often it was seen."""
    width = message.num_bits
    size = (width + 7) // 8
    if message.bitstrings:
        outcomes = list(message.bitstrings)
    elif message.outcomes:
        outcomes = [f"{outcome:0{width}b}" for outcome in message.outcomes]
    else:
        outcomes = [
            _bits(message.wide_outcomes[at : at + size], width)
            for at in range(0, len(message.wide_outcomes), size or 1)
        ]
    return zip(outcomes, message.counts, strict=True)


def shots(message: PackedBits) -> Iterator[str]:
    """The bits of every shot, the highest first."""
    size = (message.num_bits + 7) // 8
    data = decompressed(message.data, message.compression)
    for shot in range(message.num_shots):
        yield _bits(data[shot * size : (shot + 1) * size], message.num_bits)


def amplitudes(field: DataField) -> Iterator[tuple[float, float]]:
    """The complex numbers of an array or a state, as real and imaginary parts."""
    value = field.value
    array = value.array_value
    if value.HasField("quantum_object_value"):
        array = value.quantum_object_value.data
    form = _COMPLEX.get(array.element_type)
    if form is not None:
        yield from struct.iter_unpack(form, decompressed(array.data, array.compression))


def _bits(row: bytes, width: int) -> str:
    return f"{int.from_bytes(row, 'big'):0{width}b}" if width else ""

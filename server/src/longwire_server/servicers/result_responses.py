"""The responses of GetResult, whose chunks are copied once on their way to gRPC."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator

from longwire.v1.job_service_pb2 import GetResultResponse
from longwire_server.execution.wire_format import field_head
from longwire_server.jobs.results import FetchedResult

_CHUNK_BYTES = 512 * 1024


async def result_responses(result: FetchedResult) -> AsyncIterator[bytes]:
    """Serialised GetResultResponse messages, made as they are asked for.

    Raises:
        RequestRefusedError: the result is damaged, or was removed meanwhile. This comes
            in the place of the last response at the latest.
        StoreError: it cannot be read.
    """
    first = GetResultResponse(header=result.header, total_bytes=result.size_bytes)
    head = first.SerializeToString()
    if not result.size_bytes:
        yield head
    for begin in range(0, result.size_bytes, _CHUNK_BYTES):
        size_bytes = min(_CHUNK_BYTES, result.size_bytes - begin)
        head += field_head(GetResultResponse.CHUNK_FIELD_NUMBER, size_bytes)
        yield await _response(head, result, size_bytes)
        head = b""


async def _response(head: bytes, result: FetchedResult, size_bytes: int) -> bytes:
    """A response that ends with the next of the data, of which there is this one copy."""
    response = io.BytesIO(bytes(len(head) + size_bytes))
    room = response.getbuffer()
    room[: len(head)] = head
    chunk = room[len(head) :]
    await result.read_into(chunk)
    # Where it was read in vain, a thread may still do so.
    chunk.release()
    room.release()
    return response.getvalue()

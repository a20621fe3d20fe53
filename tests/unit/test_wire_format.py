"""Fields of messages that are written and read without protobuf."""

from __future__ import annotations

import pytest

from longwire_server.execution.frames_pb2 import ExecuteJob, ServerFrame
from longwire_server.execution.wire_format import HEAD_BYTES, field_head, find_field


@pytest.mark.parametrize("size", [0, 1, 127, 128, 16_383, 16_384, 3_000_000])
def test_field_is_what_protobuf_writes(size: int) -> None:
    program = b"p" * size
    written = field_head(ExecuteJob.PROGRAM_FIELD_NUMBER, size) + program
    assert ExecuteJob.FromString(written).program == program
    if size:
        assert written == ExecuteJob(program=program).SerializeToString()
    frame = field_head(ServerFrame.EXECUTE_FIELD_NUMBER, len(written)) + written
    assert ServerFrame.FromString(frame).execute.program == program


def test_number_of_a_field_above_fifteen_takes_two_bytes() -> None:
    assert field_head(16, 1) == b"\x82\x01\x01"


@pytest.mark.parametrize("size", [1, 127, 128, 16_384, 3_000_000, 2**31 - 1, 2**40])
def test_first_field_is_found_where_it_begins(size: int) -> None:
    head = field_head(ExecuteJob.PROGRAM_FIELD_NUMBER, size)
    found = find_field((head + bytes(HEAD_BYTES))[:HEAD_BYTES], ExecuteJob.PROGRAM_FIELD_NUMBER)
    assert found == (len(head), size)


@pytest.mark.parametrize(
    "head",
    [b"", b"\x0a", b"\x0a\x80", b"\x0a" + b"\xff" * 10, field_head(2, 5)],
    ids=["empty", "no-length", "half-a-length", "endless-length", "other-field"],
)
def test_field_is_not_found_where_another_comes_first_or_none(head: bytes) -> None:
    assert find_field(head, 1) == (0, 0)

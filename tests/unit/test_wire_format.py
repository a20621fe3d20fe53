"""Fields of messages that are written without protobuf."""

from __future__ import annotations

import pytest

from longwire_server.execution.frames_pb2 import ExecuteJob, ServerFrame
from longwire_server.execution.wire_format import field_head


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

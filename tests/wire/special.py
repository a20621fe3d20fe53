"""Writes the special messages: limits, what is not a number, what is newer than its reader.

    python tests/wire/special.py          writes those that are missing
    python tests/wire/special.py --all    writes all of them anew

Their names begin with the message's. Beside each stands its ProtoJSON, which knows no
unknown fields.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf.message import Message
from wire.generate import to_json

from longwire.v1.array_pb2 import Array, ElementType
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobSpec, JobStatus
from longwire.v1.job_service_pb2 import ListJobsRequest, RunJobRequest, WatchJobRequest
from longwire.v1.program_pb2 import Program, RunOptions
from longwire.v1.result_pb2 import Counts, PackedBits
from longwire.v1.value_pb2 import ComplexValue, ListValue, MapEntry, MapValue, StructValue, Value

SPECIAL = Path(__file__).parent / "special"

# As a later version of the contract may use them: one of each wire type.
_NEWER_FIELDS = bytes.fromhex(
    "c03e" "9601"  # field 1000, a varint
    "c93e" "0807060504030201"  # field 1001, 64 bits
    "d23e" "056e65776572"  # field 1002, bytes
    "dd3e" "04030201"  # field 1005 (1003 and 1004 are groups), 32 bits
)  # fmt: skip
_NEWER_EVENT = bytes.fromhex("0a01611007a2060308c801")
_DEEPEST = 30


def special_messages() -> Iterator[tuple[str, Message]]:
    """Every special message with its name."""
    numbers = {
        "nan": math.nan,
        "infinity": math.inf,
        "minus_infinity": -math.inf,
        "minus_zero": -0.0,
        "smallest": 5e-324,
        "largest": 1.7976931348623157e308,
        "tenth": 0.1,
    }
    for name, number in numbers.items():
        yield f"Value.{name}", Value(double_value=number)
        yield f"ComplexValue.{name}", ComplexValue(real=number, imag=number)
    for name, integer in {"minimum": -(2**63), "maximum": 2**63 - 1, "zero": 0}.items():
        yield f"Value.int_{name}", Value(int_value=integer)
    yield "Counts.largest", Counts(num_bits=2**32 - 1, outcomes=[2**64 - 1, 0], counts=[2**64 - 1])
    yield "PackedBits.all_bytes", PackedBits(num_bits=2048, num_shots=1, data=bytes(range(256)))
    yield "Job.empty", Job()
    yield "JobSpec.lowest_priority", JobSpec(priority=-(2**31))
    yield "RunOptions.zeros_that_are_set", RunOptions(shots=0, memory=False, seed_simulator=0)
    yield "RunJobRequest.large", _large_request()
    yield "StructValue.text", _text()
    yield "Value.deep_lists", _deep_lists()
    yield "Value.deep_maps", _deep_maps()
    yield "JobStatus.newer_state", JobStatus(job_id="a", status=99)  # type: ignore[arg-type]
    yield "JobStatus.negative_state", JobStatus(status=-1)  # type: ignore[arg-type]
    yield "ListJobsRequest.newer_states", ListJobsRequest(states=[2, 99, 6])  # type: ignore[list-item]
    yield "WatchJobRequest.newer_fields", WatchJobRequest.FromString(b"\x0a\x01a" + _NEWER_FIELDS)
    yield "JobEvent.newer_kind", JobEvent.FromString(_NEWER_EVENT)
    yield "Job.newer_inside", Job.FromString(_field(3, b"\x0a\x01a" + _NEWER_FIELDS))


def _field(number: int, content: bytes) -> bytes:
    return bytes([number << 3 | 2, len(content)]) + content


def _large_request() -> RunJobRequest:
    payloads = [bytes(range(256)) * 512, b"", b"\x00"]
    names = [f"circuit {number}" for number in range(1000)]
    program = Program(payloads=payloads, circuit_names=names, payloads_sha256=bytes(32))
    return RunJobRequest(spec=JobSpec(backend_name="b", program=program), request_id="r" * 128)


def _text() -> StructValue:
    made = StructValue(json='{"a": "\\u0000"}')
    for text in ("", "\x00", '"\\/', "ψ ⟩", "😀", "\u2028", "line\nline\r\ttab"):
        made.fields.add(name=text).value.string_value = text
    return made


def _deep_lists() -> Value:
    value = Value(bool_value=True)
    for _ in range(_DEEPEST):
        value = Value(list_value=ListValue(values=[value]))
    return value


def _deep_maps() -> Value:
    value = Value(array_value=Array(element_type=ElementType.ELEMENT_TYPE_BOOL, data=b"\x01"))
    for _ in range(_DEEPEST):
        entry = MapEntry(key=Value(int_value=1), value=value)
        value = Value(map_value=MapValue(entries=[entry]))
    return value


def main() -> None:
    """Writes the files that are missing, or all."""
    SPECIAL.mkdir(exist_ok=True)
    for name, message in special_messages():
        binary = SPECIAL / f"{name}.binpb"
        if "--all" in sys.argv[1:] or not binary.exists():
            binary.write_bytes(message.SerializeToString(deterministic=True))
            (SPECIAL / f"{name}.json").write_text(to_json(message))


if __name__ == "__main__":
    main()

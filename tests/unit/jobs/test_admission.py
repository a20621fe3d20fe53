"""What the server refuses before anything becomes a job."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import Program, ProgramFormat
from longwire_server.jobs.admission import AdmissionLimits, admit, require_room
from longwire_server.refusals import RequestRefusedError

LIMITS = AdmissionLimits(program_bytes=100, queued_jobs=10, jobs_per_second=100.0)


def make_spec(payload: bytes = b"OPENQASM 3.0;") -> JobSpec:
    program = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[payload])
    return JobSpec(backend_name="aer_simulator", program=program)


def refusal(spec: JobSpec, request_id: str = "") -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as caught:
        admit(spec, request_id, LIMITS)
    return caught.value


def test_complete_spec_is_admitted() -> None:
    admit(make_spec(), "request-1", LIMITS)


def no_backend(spec: JobSpec) -> None:
    spec.backend_name = ""


def long_name(spec: JobSpec) -> None:
    spec.name = "n" * 129


def many_tags(spec: JobSpec) -> None:
    spec.tags.extend(["t"] * 33)


def empty_tag(spec: JobSpec) -> None:
    spec.tags.extend(["fine", ""])


def broken_tag(spec: JobSpec) -> None:
    spec.tags.append("two\nlines")


def no_payload(spec: JobSpec) -> None:
    del spec.program.payloads[:]


def no_format(spec: JobSpec) -> None:
    spec.program.format = ProgramFormat.PROGRAM_FORMAT_UNSPECIFIED


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (no_backend, "spec.backend_name"),
        (long_name, "spec.name"),
        (many_tags, "spec.tags"),
        (empty_tag, "spec.tags[1]"),
        (broken_tag, "spec.tags[0]"),
        (no_payload, "spec.program.payloads"),
        (no_format, "spec.program.format"),
    ],
)
def test_wrong_field_is_refused_by_its_name(spoil: Callable[[JobSpec], None], field: str) -> None:
    spec = make_spec()
    spoil(spec)
    error = refusal(spec)
    assert error.field == field
    assert error.message.startswith(f"{field}: ")


def test_long_request_id_is_refused() -> None:
    assert refusal(make_spec(), request_id="r" * 129).field == "request_id"


def test_large_program_is_refused_with_the_limit() -> None:
    error = refusal(make_spec(b"x" * 101))
    assert error.reason == ErrorReason.ERROR_REASON_LIMIT_EXCEEDED
    assert error.details == {"limit": "limits.program_bytes", "maximum": "100"}
    assert "101 bytes" in error.message


def test_full_queue_is_refused_with_a_time_to_retry() -> None:
    require_room(LIMITS, queued_jobs=9)
    with pytest.raises(RequestRefusedError) as caught:
        require_room(LIMITS, queued_jobs=10)
    assert caught.value.details["limit"] == "limits.queued_jobs"
    assert caught.value.retry_after_seconds is not None


def make_qpy(version: int, declared: int) -> JobSpec:
    spec = make_spec(b"QISKIT" + bytes([version]) + b"rest")
    spec.program.format = ProgramFormat.PROGRAM_FORMAT_QPY
    spec.program.qpy_version = declared
    return spec


def test_qpy_of_the_declared_version_is_admitted() -> None:
    admit(make_qpy(13, 13), "", LIMITS)


def test_qpy_before_version_13_is_refused_by_its_header() -> None:
    error = refusal(make_qpy(12, 13))
    assert error.reason == ErrorReason.ERROR_REASON_PROGRAM_FORMAT_UNSUPPORTED
    assert "version 12" in error.message


def test_qpy_of_another_version_than_declared_is_refused() -> None:
    assert refusal(make_qpy(13, 14)).field == "spec.program.qpy_version"


@pytest.mark.parametrize("payload", [b"", b"QISKIT", b"OPENQASM 3.0;"])
def test_payload_that_is_no_qpy_is_refused(payload: bytes) -> None:
    spec = make_qpy(13, 13)
    spec.program.payloads[0] = payload
    assert refusal(spec).reason == ErrorReason.ERROR_REASON_PROGRAM_INVALID


@pytest.mark.parametrize("field", ["max_run_seconds", "max_queue_seconds"])
@pytest.mark.parametrize("seconds", [0.0, -1.0, float("nan"), float("inf"), 1e10], ids=repr)
def test_time_limit_that_is_no_time_is_refused_with_its_field(field: str, seconds: float) -> None:
    spec = make_spec()
    setattr(spec, field, seconds)
    error = refusal(spec)
    assert error.reason == ErrorReason.ERROR_REASON_ARGUMENT_INVALID
    assert error.field == f"spec.{field}"


def test_time_limits_of_any_length_are_admitted() -> None:
    spec = make_spec()
    spec.max_run_seconds, spec.max_queue_seconds = 0.1, 86_400.0 * 365
    admit(spec, "", LIMITS)
    # A job that waits costs no worker.
    spec.max_run_seconds, spec.max_queue_seconds = 86_400.0 * 365, 1e-9
    admit(spec, "", LIMITS)


@pytest.mark.parametrize("seconds", [1e-9, 0.099])
def test_time_that_every_attempt_takes_longer_than_is_refused(seconds: float) -> None:
    spec = make_spec()
    spec.max_run_seconds = seconds
    error = refusal(spec)
    assert error.reason == ErrorReason.ERROR_REASON_ARGUMENT_INVALID
    assert error.field == "spec.max_run_seconds"
    assert "at least 0.1" in error.message

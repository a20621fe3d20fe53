"""Whether a request may become a job, by what the server can see without parsing a program."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import Program, ProgramFormat
from longwire_server.jobs.labels import check_tags, check_text
from longwire_server.jobs.primitive_admission import (
    check_circuit_indices,
    check_parameter_values,
    check_primitive,
)
from longwire_server.jobs.program_payloads import heads
from longwire_server.refusals import RequestRefusedError, argument_invalid, limit_exceeded

# QPY below this version can run code while it is read (CVE-2025-2000).
_MIN_QPY_VERSION = 13
_QPY_MAGIC = b"QISKIT"
_MAX_OPTIMIZATION_LEVEL = 3
# An attempt is stopped by killing its worker, and to start another takes seconds.
_MIN_RUN_SECONDS = 0.1
# Ten years: what is more is a mistake of units.
_MAX_LIMIT_SECONDS = 10 * 366 * 86_400.0
# In these each payload is one circuit; in the others only a parser can count.
_ONE_CIRCUIT_A_PAYLOAD = (
    ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
    ProgramFormat.PROGRAM_FORMAT_OPENQASM2,
)


@dataclasses.dataclass(frozen=True, slots=True)
class AdmissionLimits:
    """What a request may ask for at most."""

    program_bytes: int
    """Bytes of all payloads of a program together."""

    queued_jobs: int
    """Jobs that wait, in all queues."""

    jobs_per_second: float
    """Jobs of all tenants that are submitted in a second, on average over ten."""


def admit(spec: JobSpec, request_id: str, limits: AdmissionLimits) -> None:
    """Refuses a request that cannot become a job.

    Payloads that it names by their digest alone are not looked at: see
    :func:`check_payloads`.

    Raises:
        RequestRefusedError: a field is missing or wrong, or a limit is exceeded.
    """
    if not spec.backend_name:
        raise argument_invalid("spec.backend_name", "it is empty; name the backend to run on")
    check_text("request_id", request_id)
    check_text("spec.name", spec.name)
    check_tags("spec.tags", spec.tags)
    _check_program(spec.program)
    for place, values in enumerate(spec.options.parameter_values):
        check_parameter_values(f"spec.options.parameter_values[{place}]", values, dimensions=2)
    _check_transpile(spec)
    _check_time_limits(spec)
    check_primitive(spec)
    if spec.program.payloads:
        payloads = list(spec.program.payloads)
        check_payloads(spec, heads(payloads), sum(map(len, payloads)), limits)


def require_room(limits: AdmissionLimits, queued_jobs: int) -> None:
    """Refuses another job where enough wait.

    Args:
        limits: how many may wait.
        queued_jobs: how many do.

    Raises:
        RequestRefusedError: the queue is full.
    """
    if queued_jobs >= limits.queued_jobs:
        raise limit_exceeded(
            "limits.queued_jobs",
            limits.queued_jobs,
            f"{queued_jobs} jobs are queued: try again when some have run",
            retry_after_seconds=1.0,
        )


def check_payloads(
    spec: JobSpec, payload_heads: Sequence[bytes], size_bytes: int, limits: AdmissionLimits
) -> None:
    """Refuses payloads that are not what their program says, or too large.

    Args:
        spec: the request.
        payload_heads: the first bytes of each payload that it holds or names.
        size_bytes: bytes of all of them together.
        limits: what a request may ask for.

    Raises:
        RequestRefusedError: they are.
    """
    program = spec.program
    if program.format == ProgramFormat.PROGRAM_FORMAT_QPY:
        for place, head in enumerate(payload_heads):
            _check_qpy_header(f"spec.program.payloads[{place}]", head, program.qpy_version)
    if program.format in _ONE_CIRCUIT_A_PAYLOAD:
        check_circuit_indices(spec, num_circuits=len(payload_heads))
    if size_bytes > limits.program_bytes:
        raise limit_exceeded(
            "limits.program_bytes",
            limits.program_bytes,
            f"The program has {size_bytes} bytes: split it into several jobs",
        )


def _check_program(program: Program) -> None:
    if program.format not in ProgramFormat.values() or not program.format:
        known = ", ".join(name for name, value in ProgramFormat.items() if value)
        raise RequestRefusedError(
            ErrorReason.ERROR_REASON_PROGRAM_FORMAT_UNSUPPORTED,
            f"spec.program.format: {program.format} is no format that this server knows; use one "
            f"of {known}",
            field="spec.program.format",
        )
    if not (program.payloads or program.payloads_sha256):
        raise argument_invalid("spec.program.payloads", "there is none; send at least one circuit")


def _check_qpy_header(field: str, head: bytes, declared_version: int) -> None:
    if not head.startswith(_QPY_MAGIC) or len(head) <= len(_QPY_MAGIC):
        raise RequestRefusedError(
            ErrorReason.ERROR_REASON_PROGRAM_INVALID,
            f"{field}: it is no QPY: its first bytes are not QISKIT; write it with "
            "qiskit.qpy.dump, or name the format that it has",
            field=field,
        )
    version = head[len(_QPY_MAGIC)]
    if version < _MIN_QPY_VERSION:
        raise RequestRefusedError(
            ErrorReason.ERROR_REASON_PROGRAM_FORMAT_UNSUPPORTED,
            f"{field}: QPY version {version} is not accepted, because reading it is unsafe; "
            f"write version {_MIN_QPY_VERSION} or later (Qiskit 1.3 or later)",
            field=field,
        )
    if version != declared_version:
        raise argument_invalid(
            "spec.program.qpy_version",
            f"it is {declared_version}, but the payload's header says {version}",
        )


def _check_transpile(spec: JobSpec) -> None:
    level = spec.transpile.optimization_level
    if level > _MAX_OPTIMIZATION_LEVEL:
        raise argument_invalid(
            "spec.transpile.optimization_level",
            f"it is {level}; Qiskit's levels are 0 to {_MAX_OPTIMIZATION_LEVEL}",
        )


def _check_time_limits(spec: JobSpec) -> None:
    if spec.HasField("max_run_seconds"):
        seconds = spec.max_run_seconds
        _check_time_limit("spec.max_run_seconds", seconds)
        if seconds < _MIN_RUN_SECONDS:
            raise argument_invalid(
                "spec.max_run_seconds",
                f"it is {seconds:g}; write at least {_MIN_RUN_SECONDS:g}: no job ends sooner, and "
                "each that is stopped costs its worker",
            )
    if spec.HasField("max_queue_seconds"):
        _check_time_limit("spec.max_queue_seconds", spec.max_queue_seconds)


def _check_time_limit(field: str, seconds: float) -> None:
    if not 0 < seconds <= _MAX_LIMIT_SECONDS:
        raise argument_invalid(
            field,
            f"it is {seconds:g}; write a number of seconds above 0, and at most "
            f"{_MAX_LIMIT_SECONDS:g}, or leave it out for no limit",
        )

"""One attempt at a job: bytes to circuits, run, result to bytes."""

from __future__ import annotations

from collections.abc import Callable

from longwire.codecs.program import program_from_proto
from longwire.codecs.result import encode_result
from longwire.codecs.run_options import run_options_from_proto
from longwire.errors import (
    BackendConfigurationError,
    CodecError,
    InvalidOptionError,
    InvalidProgramError,
    InvalidQobjError,
    LimitExceededError,
)
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.frames_pb2 import ExecutionError

# Which reason an exception of the worker is told with; the first match counts.
_REASONS: tuple[tuple[type[BaseException], ErrorReason.ValueType], ...] = (
    (InvalidQobjError, ErrorReason.ERROR_REASON_PROGRAM_INVALID),
    (InvalidProgramError, ErrorReason.ERROR_REASON_PROGRAM_INVALID),
    (InvalidOptionError, ErrorReason.ERROR_REASON_OPTION_INVALID),
    (LimitExceededError, ErrorReason.ERROR_REASON_LIMIT_EXCEEDED),
    (CodecError, ErrorReason.ERROR_REASON_EXECUTION_FAILED),
    (BackendConfigurationError, ErrorReason.ERROR_REASON_EXECUTION_FAILED),
    (MemoryError, ErrorReason.ERROR_REASON_MEMORY_LIMIT),
)


def execute(
    backend: HostedBackend,
    job_id: str,
    spec: JobSpec,
    *,
    result_limit_bytes: int,
    on_running: Callable[[], None],
) -> bytes:
    """Runs a job's program on a loaded backend.

    Args:
        backend: the backend.
        job_id: the id that the result carries.
        spec: what is to be run.
        result_limit_bytes: the largest encoded result.
        on_running: called when the program is read.

    Returns:
        A serialised EncodedResult.

    Raises:
        LongwireError: the program or its options are wrong, or the run failed.
    """
    program = program_from_proto(spec.program)
    options = run_options_from_proto(spec.options)
    on_running()
    result = backend.run(program, options)
    encoded = encode_result(result, counts_format=spec.options.counts_format, job_id=job_id)
    size_bytes = encoded.ByteSize()
    if size_bytes > result_limit_bytes:
        raise LimitExceededError(
            f"The result has {size_bytes} bytes; this server's limit is {result_limit_bytes} "
            "(limits.result_bytes): ask for fewer shots, or save less"
        )
    return encoded.SerializeToString()


def explain(error: BaseException, memory_limit_mb: int) -> ExecutionError:
    """The error of an attempt or a load, as the server and the user are told it."""
    reason = next(
        (reason for kind, reason in _REASONS if isinstance(error, kind)),
        ErrorReason.ERROR_REASON_EXECUTION_FAILED,
    )
    if reason == ErrorReason.ERROR_REASON_MEMORY_LIMIT:
        message = (
            f"The job needs more memory than its worker may use ({memory_limit_mb} MiB, the "
            "pool's memory_limit_mb): use fewer qubits, another method, or fewer shots"
        )
    else:
        message = getattr(error, "message", None) or str(error) or "no message"
        if type(error).__module__.partition(".")[0] not in ("longwire", "longwire_server"):
            message = f"{type(error).__name__}: {message}"
    return ExecutionError(reason=reason, message=message)

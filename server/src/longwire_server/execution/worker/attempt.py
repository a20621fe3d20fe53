"""One attempt at a job: bytes to circuits, run, result to bytes."""

from __future__ import annotations

from typing import Any, NamedTuple

from qiskit.circuit import QuantumCircuit

from longwire.codecs.primitive_options import (
    estimator_options_from_proto,
    sampler_options_from_proto,
)
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
from longwire.qobj import QasmQobj
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.backends.job_budget import ProgramBounds
from longwire_server.backends.loading import HostedBackend
from longwire_server.execution.frames_pb2 import (
    PART_OF_WORKER_HELPS,
    ExecuteJob,
    ExecutionError,
    ProgramLimits,
)
from longwire_server.execution.worker.listener import AttemptListener
from longwire_server.execution.worker.programs import ProgramCache
from longwire_server.execution.worker.saved_state import save_statevectors
from longwire_server.execution.worker.shared_runs import (
    PartSource,
    expect_runs,
    run_shared,
    shared_sweeps,
)
from longwire_server.failpoints import failpoint

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


class Executed(NamedTuple):
    """What came of an attempt."""

    result: bytes
    """A serialised EncodedResult."""

    shots: int
    """How many shots were run, of all circuits together."""


def execute(
    backend: HostedBackend,
    request: ExecuteJob,
    spec: JobSpec,
    *,
    programs: ProgramCache,
    result_limit_bytes: int,
    listener: AttemptListener,
    source: PartSource | None = None,
) -> Executed:
    """Runs a job's program on a loaded backend.

    Args:
        backend: the backend.
        request: which job, and its payloads where the spec names them by digest.
        spec: what is to be run, parsed from the request.
        programs: reads programs, and keeps some.
        result_limit_bytes: the largest encoded result.
        listener: is told how far the attempt is.
        source: gives the parts of a job that is shared out; None where none is.

    Returns:
        The result, and how many shots were run.

    Raises:
        LongwireError: the program or its options are wrong, or the run failed.
    """
    bounds = _bounds(request.limits)
    backend.begin_job(bounds)
    options = run_options_from_proto(spec.options)
    noise_model = None
    if spec.HasField("transpile"):
        noise_model = backend.checked_options(_backend_options(spec)).get("noise_model")
    if source is not None:
        expect_runs(request, spec, backend, source)
    program = programs.prepare(
        spec,
        request.program,
        backend,
        noise_model=noise_model,
        bounds=bounds,
        tenant=request.tenant,
    )
    if spec.options.save_statevector:
        save_statevectors(program, backend, transpiled=spec.HasField("transpile"))
    failpoint("worker.decoded")
    encoded: EncodedResult | None
    if spec.WhichOneof("primitive") is not None:
        encoded = _run_primitive(backend, spec, program, listener)
    else:
        encoded = _run_circuits(backend, request, spec, program, options, listener, source)
    if encoded is None:
        return Executed(b"", backend.budget.shots_run)
    failpoint("worker.encoded")
    size_bytes = encoded.ByteSize()
    if size_bytes > result_limit_bytes:
        raise LimitExceededError(
            f"The result has {size_bytes} bytes; this server's limit is {result_limit_bytes} "
            "(limits.result_bytes): ask for fewer shots, or save less"
        )
    return Executed(encoded.SerializeToString(), backend.budget.shots_run)


def _run_circuits(
    backend: HostedBackend,
    request: ExecuteJob,
    spec: JobSpec,
    program: list[QuantumCircuit] | QasmQobj,
    options: dict[str, Any],
    listener: AttemptListener,
    source: PartSource | None,
) -> EncodedResult | None:
    """The result of a job that is no primitive's; None from a worker that does not make it."""
    sweeps = None if source is None else shared_sweeps(request, spec, program, backend)
    if sweeps is None and request.part == PART_OF_WORKER_HELPS:
        return None
    listener.running()
    failpoint("worker.run.before")
    if sweeps is not None and source is not None:
        encoded = run_shared(backend, request, spec, sweeps, options, source)
        failpoint("worker.run.after")
        return encoded
    result = backend.run(
        program,
        options,
        parameter_values=spec.options.parameter_values,
        transpiled=spec.HasField("transpile"),
        on_progress=listener.progress,
    )
    failpoint("worker.run.after")
    counts_format = spec.options.counts_format
    return encode_result(result, counts_format=counts_format, job_id=request.job_id)


def _bounds(limits: ProgramLimits) -> ProgramBounds:
    return ProgramBounds(
        circuits=limits.circuits,
        qubits=limits.qubits,
        shots=limits.shots,
        shot_bits=limits.shot_bits,
        instructions=limits.instructions,
    )


def _backend_options(spec: JobSpec) -> dict[str, Any]:
    """The options of the runs that a job asks for, of a primitive's too."""
    match spec.WhichOneof("primitive"):
        case None:
            return run_options_from_proto(spec.options)
        case "sampler":
            options = sampler_options_from_proto(spec.sampler.options)
        case _:
            options = estimator_options_from_proto(spec.estimator.options)
    return dict(options.get("run_options", {}))


def _run_primitive(
    backend: HostedBackend,
    spec: JobSpec,
    program: list[QuantumCircuit] | QasmQobj,
    listener: AttemptListener,
) -> EncodedResult:
    if isinstance(program, QasmQobj):
        raise InvalidProgramError(
            "a sampler or an estimator takes circuits: send QPY or OpenQASM, not a Qobj"
        )
    if spec.options.ByteSize():
        raise InvalidOptionError(
            "a job of a primitive has the primitive's options alone; leave the run options out"
        )
    # Primitives need more of Qiskit, and most jobs are none.
    from longwire_server.execution.worker.primitives import run_primitive

    listener.running()
    failpoint("worker.run.before")
    result = run_primitive(backend, spec, program, listener)
    failpoint("worker.run.after")
    return result


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
        if words := str(error):
            message += f". What failed: {words}"
    else:
        message = getattr(error, "message", None) or str(error) or "no message"
        if type(error).__module__.partition(".")[0] not in ("longwire", "longwire_server"):
            message = f"{type(error).__name__}: {message}"
    return ExecutionError(reason=reason, message=message)

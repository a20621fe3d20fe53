"""Running a job's circuits part by part, with other workers at the same time.

Every worker reads and checks all of the program, so that each refuses what a worker
alone would, in the same words. Only the runs are shared out, by the server, which asks
nobody what they are: it counts. One worker leads the attempt and makes the result.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Protocol

from qiskit.circuit import QuantumCircuit

from longwire.codecs.encoded_result import pack_result
from longwire.codecs.result import result_to_proto
from longwire.codecs.value import struct_from_proto, struct_to_proto
from longwire.errors import JobFailedError
from longwire.qobj import QasmQobj
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.result_pb2 import EncodedResult, Result
from longwire_server.backends.aer_run import state_clbits_of_whole
from longwire_server.backends.hosted_backend import HostedBackend
from longwire_server.backends.parameters import Sweep, sweeps_of
from longwire_server.backends.parts import run_starts, runs_of, with_summed_times
from longwire_server.execution.frames_pb2 import (
    PART_OF_WORKER_ALONE,
    PART_OF_WORKER_HELPS,
    PART_OF_WORKER_LEADS,
    ExecuteJob,
    PartDone,
    PartWanted,
    RunPart,
)
from longwire_server.execution.worker.programs import num_circuits

_LEAST_RUNS: Final = 16


class PartSource(Protocol):
    """Says what to run next."""

    def expect(self, total: int) -> None:
        """Is told how many runs a job seems to have, before it is read."""

    def next_part(self, wanted: PartWanted) -> RunPart:
        """Waits for the answer to what a worker wants."""


def expect_runs(
    request: ExecuteJob, spec: JobSpec, backend: HostedBackend, source: PartSource
) -> None:
    """Tells how many circuits a program has, where it says so at its beginning.

    Others can read it at the same time then.

    Args:
        request: the job, and what the worker does in it.
        spec: what is to be run, parsed from the request.
        backend: the backend.
        source: the server.
    """
    if request.part != PART_OF_WORKER_LEADS or not backend.runs_alike_in_parts:
        return
    if spec.WhichOneof("primitive") is not None or spec.options.parameter_values:
        return
    total = num_circuits(spec.program, request.program)
    if total >= _LEAST_RUNS:
        source.expect(total)


def shared_sweeps(
    request: ExecuteJob,
    spec: JobSpec,
    program: Sequence[QuantumCircuit] | QasmQobj,
    backend: HostedBackend,
) -> list[Sweep] | None:
    """The circuits of a job whose runs are to be shared out; None where they are not.

    Raises:
        InvalidProgramError: the values do not fit the circuits' parameters.
    """
    if request.part == PART_OF_WORKER_ALONE or isinstance(program, QasmQobj):
        return None
    if not backend.runs_alike_in_parts:
        return None
    sweeps = sweeps_of(
        program, spec.options.parameter_values, transpiled=spec.HasField("transpile")
    )
    return sweeps if sum(each.num_points for each in sweeps) >= _LEAST_RUNS else None


def run_shared(
    backend: HostedBackend,
    request: ExecuteJob,
    spec: JobSpec,
    sweeps: Sequence[Sweep],
    options: Mapping[str, Any],
    source: PartSource,
) -> EncodedResult | None:
    """Runs the parts of a job that the server gives to this worker.

    Args:
        backend: the backend.
        request: the job, and what the worker does in it.
        spec: what is to be run, parsed from the request.
        sweeps: all circuits of the job.
        options: run options by name.
        source: the server.

    Returns:
        The result of all parts; None from a worker that helps, and where the attempt is
        over without one.

    Raises:
        LongwireError: as :meth:`HostedBackend.run`.
    """
    checked = backend.admitted(sweeps, options)
    helps = request.part == PART_OF_WORKER_HELPS
    starts = run_starts(sweeps)
    kept: list[PartDone] = []
    wanted = PartWanted(total=starts[-1])
    while True:
        part = source.next_part(wanted)
        kept.extend(part.others)
        if part.count == 0:
            break
        before = backend.budget.shots_run
        runs = runs_of(sweeps, starts, part.first, part.count)
        result = backend.run_admitted(runs, checked, first=part.first)
        state_clbits_of_whole(result, [sweep.circuit for sweep in sweeps])
        message = result_to_proto(
            result, counts_format=spec.options.counts_format, job_id=request.job_id
        )
        shots = backend.budget.shots_run - before
        done = PartDone(first=part.first, count=part.count, shots=shots)
        wanted.done.CopyFrom(done)
        done.result = message.SerializeToString()
        if helps:
            wanted.done.result = done.result
        else:
            kept.append(done)
    if helps or part.abandoned:
        return None
    return pack_result(_whole(kept, wanted.total))


def _whole(parts: list[PartDone], total: int) -> Result:
    """One result for those of the parts: the outcomes in order, and the times added up."""
    parts.sort(key=lambda part: part.first)
    whole, metadata = Result(), []
    for part in parts:
        message = Result.FromString(part.result)
        if part.first != len(whole.results) or part.count != len(message.results):
            raise JobFailedError(
                f"the results of runs {part.first} to {part.first + part.count - 1} are not "
                "what another worker was asked for; submit the job again"
            )
        metadata.append(struct_from_proto(message.metadata))
        if part is parts[0]:
            whole = message
        else:
            whole.results.MergeFrom(message.results)
            whole.date.CopyFrom(message.date)
    if len(whole.results) != total:
        raise JobFailedError(f"{len(whole.results)} of {total} runs have a result")
    if metadata[0] and len(parts) > 1:
        whole.metadata.CopyFrom(struct_to_proto(with_summed_times(metadata)))
    return whole

"""Programs that a caller sends once and then names by their digest, in messages."""

from __future__ import annotations

import copy
import uuid
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from circuits import bell
from google.rpc import code_pb2, error_details_pb2
from server_process import ServerProcess, configured_server, wait_until
from service_calls import bell_spec, detail, refusal, run

from longwire.codecs.payloads_digest import payloads_digest
from longwire.codecs.program import program_to_proto
from longwire.codecs.result import decode_result
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import Program, ProgramFormat

DONE = JobState.JOB_STATE_DONE


@pytest.fixture
def jobs(one_worker_server: ServerProcess) -> Iterator[JobServiceStub]:
    """The service of the server with one worker."""
    with grpc.insecure_channel(one_worker_server.address) as channel:
        yield JobServiceStub(channel)


def with_digest(spec: JobSpec) -> JobSpec:
    """The spec with its payloads and their digest."""
    changed = copy.deepcopy(spec)
    changed.program.payloads_sha256 = payloads_digest(spec.program.payloads)
    return changed


def by_digest(spec: JobSpec) -> JobSpec:
    """The spec with the digest in place of the payloads."""
    changed = with_digest(spec)
    del changed.program.payloads[:]
    return changed


def named_bell(gate: Path | None = None) -> JobSpec:
    """A Bell circuit that no other test has sent."""
    spec = bell_spec(gate=gate)
    spec.program.payloads[0] += f"// {uuid.uuid4()}\n".encode()
    return spec


def counts(events: list[JobEvent]) -> dict[str, int]:
    final = events[-1].finished
    assert final.job.status.status == DONE, final.job.error
    return dict(decode_result(final.result).get_counts())


@pytest.mark.parametrize("form", ["OpenQASM", "QPY"])
def test_program_that_was_sent_runs_again_by_its_digest(jobs: JobServiceStub, form: str) -> None:
    spec = named_bell()
    if form == "QPY":
        circuit = bell()
        circuit.metadata = {"id": uuid.uuid4().hex}
        spec.program.CopyFrom(program_to_proto(circuit))
    expected = counts(run(jobs, spec))
    assert counts(run(jobs, with_digest(spec))) == expected
    for _ in range(3):
        assert counts(run(jobs, by_digest(spec))) == expected


def test_digest_that_was_sent_with_one_backend_runs_on_another(jobs: JobServiceStub) -> None:
    spec = named_bell()
    run(jobs, with_digest(spec))
    spec.backend_name = "aer_simulator"
    spec.options.ClearField("backend_options")
    assert set(counts(run(jobs, by_digest(spec)))) <= {"00", "11"}


def test_both_forms_of_a_program_are_the_same_request(jobs: JobServiceStub) -> None:
    spec, request_id = named_bell(), uuid.uuid4().hex
    first = jobs.SubmitJob(messages.SubmitJobRequest(spec=with_digest(spec), request_id=request_id))
    again = jobs.SubmitJob(messages.SubmitJobRequest(spec=by_digest(spec), request_id=request_id))
    assert (first.created, again.created) == (True, False)
    assert first.job.job_id == again.job.job_id
    other = named_bell()
    run(jobs, with_digest(other))
    for form in (with_digest(other), by_digest(other)):
        status, info = refusal(lambda form=form: run(jobs, form, request_id))
        assert (status.code, info.reason) == (code_pb2.ALREADY_EXISTS, "REQUEST_ID_REUSED")


def test_unknown_digest_is_refused_until_the_payloads_are_sent(jobs: JobServiceStub) -> None:
    spec = named_bell()
    for call in (
        lambda: run(jobs, by_digest(spec)),
        lambda: [jobs.SubmitJob(messages.SubmitJobRequest(spec=by_digest(spec)))],
    ):
        status, info = refusal(call)
        assert (status.code, info.reason) == (code_pb2.FAILED_PRECONDITION, "PROGRAM_NOT_FOUND")
        bad_request = error_details_pb2.BadRequest()
        assert detail(status, bad_request)
        (violation,) = bad_request.field_violations
        assert violation.field == "spec.program.payloads_sha256"
    counts(run(jobs, with_digest(spec)))
    counts(run(jobs, by_digest(spec)))


def test_digest_of_other_payloads_is_refused_and_keeps_nothing(jobs: JobServiceStub) -> None:
    spec, other = named_bell(), named_bell()
    forged = with_digest(spec)
    forged.program.payloads[:] = other.program.payloads
    status, info = refusal(lambda: run(jobs, forged))
    assert (status.code, info.reason) == (code_pb2.INVALID_ARGUMENT, "PROGRAM_INVALID")
    _, info = refusal(lambda: run(jobs, by_digest(spec)))
    assert info.reason == "PROGRAM_NOT_FOUND"


def test_old_qpy_is_not_smuggled_in_under_another_format(jobs: JobServiceStub) -> None:
    payload = b"QISKIT\x0c" + uuid.uuid4().bytes
    program = Program(format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3, payloads=[payload])
    spec = JobSpec(backend_name="gated", program=program)
    final = run(jobs, with_digest(spec))[-1].finished
    assert final.job.status.status == JobState.JOB_STATE_ERROR
    spec.program.format = ProgramFormat.PROGRAM_FORMAT_QPY
    spec.program.qpy_version = 13
    status, info = refusal(lambda: run(jobs, by_digest(spec)))
    assert (status.code, info.reason) == (
        code_pb2.INVALID_ARGUMENT,
        "PROGRAM_FORMAT_UNSUPPORTED",
    )


def test_large_program_reaches_the_worker_whole(jobs: JobServiceStub) -> None:
    circuit = bell()
    # Enough to be sent to the worker in parts.
    circuit.metadata = {"notes": "x" * (3 << 20)}
    spec = named_bell()
    spec.program.CopyFrom(program_to_proto(circuit))
    assert len(spec.program.payloads[0]) > 3 << 20
    expected = counts(run(jobs, spec))
    assert counts(run(jobs, with_digest(spec))) == expected
    assert counts(run(jobs, by_digest(spec))) == expected


ONE_WORKER = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


def test_program_is_found_by_its_digest_after_the_server_was_killed(
    tmp_path: Path, gate: Path
) -> None:
    spec = named_bell()
    blocking, queued = named_bell(gate), named_bell()
    with configured_server(tmp_path, ONE_WORKER) as server:
        with grpc.insecure_channel(server.address) as channel:
            jobs = JobServiceStub(channel)
            expected = counts(run(jobs, with_digest(spec)))
            jobs.SubmitJob(messages.SubmitJobRequest(spec=with_digest(blocking)))
            request = messages.SubmitJobRequest(spec=with_digest(queued))
            job_id = jobs.SubmitJob(request).job.job_id
        server.kill()
    with (
        configured_server(tmp_path, ONE_WORKER) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        jobs = JobServiceStub(channel)
        # Also the job that waited has its program.
        *_, last = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id))
        assert counts(list(last.events)) == expected
        assert counts(run(jobs, by_digest(spec))) == expected


SMALL_STORE = ONE_WORKER + "[limits]\nprograms_bytes = 1\n"


def test_programs_are_removed_for_room_but_none_that_a_job_still_needs(
    tmp_path: Path, gate: Path
) -> None:
    with (
        configured_server(tmp_path, SMALL_STORE) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        jobs = JobServiceStub(channel)
        first, blocking, queued = named_bell(), named_bell(gate), named_bell()
        counts(run(jobs, with_digest(first)))
        for spec in (blocking, queued):
            request = messages.SubmitJobRequest(spec=with_digest(spec))
            job_id = jobs.SubmitJob(request).job.job_id
        wait_until(lambda: not is_kept(jobs, first))
        assert is_kept(jobs, blocking)
        jobs.SubmitJob(messages.SubmitJobRequest(spec=by_digest(queued)))
        gate.touch()
        *_, last = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id))
        counts(list(last.events))
        # The user's program sends the payloads once more, and all is as before.
        counts(run(jobs, with_digest(first)))


def is_kept(jobs: JobServiceStub, spec: JobSpec) -> bool:
    """Whether the server has the payloads of an OpenQASM program. Makes no job."""
    asking = by_digest(spec)
    asking.program.format = ProgramFormat.PROGRAM_FORMAT_QPY
    _, info = refusal(lambda: run(jobs, asking))
    return {"PROGRAM_INVALID": True, "PROGRAM_NOT_FOUND": False}[info.reason]

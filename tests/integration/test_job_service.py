"""JobService as a program in any language sees it: messages and statuses."""

from __future__ import annotations

import hashlib
import io
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path

import grpc
import pytest
from circuits import bell
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import code_pb2, error_details_pb2
from qiskit import QuantumCircuit, qpy
from qiskit_aer.library import SaveStatevector
from server_process import ServerProcess
from service_calls import bell_spec, detail, refusal, run

from longwire.codecs.program import program_to_proto
from longwire.codecs.result import decode_result
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.program_pb2 import CountsFormat, Program, ProgramFormat
from longwire.v1.result_pb2 import EncodedResult, Result


@pytest.fixture
def jobs(one_worker_server: ServerProcess) -> Iterator[JobServiceStub]:
    """The service of the server with one worker."""
    options = [("grpc.max_receive_message_length", -1)]
    with grpc.insecure_channel(one_worker_server.address, options=options) as channel:
        yield JobServiceStub(channel)


def test_run_job_tells_accepted_states_and_the_final_event_in_order(jobs: JobServiceStub) -> None:
    events = run(jobs, bell_spec())
    kinds = [event.WhichOneof("event") for event in events]
    assert kinds[0] == "accepted"
    assert kinds[-1] == "finished"
    assert events[0].accepted.created
    job_id = events[0].accepted.job.job_id
    assert {event.job_id for event in events} == {job_id}
    changes = [event for event in events if event.WhichOneof("event") != "queue_position"]
    sequences = [event.sequence for event in changes]
    assert sequences == sorted(set(sequences))
    states = [event.status_changed.status for event in changes[1:-1]]
    assert states == [JobState.JOB_STATE_VALIDATING, JobState.JOB_STATE_RUNNING]
    final = events[-1].finished
    assert final.job.status.status == JobState.JOB_STATE_DONE
    assert final.job.sequence == events[-1].sequence
    times = [t.ToNanoseconds() for t in (final.job.create_time, final.job.start_time)]
    assert times == sorted(times)
    assert final.job.end_time.ToNanoseconds() >= times[-1]
    counts = decode_result(final.result).get_counts()
    assert set(counts) == {"00", "11"}
    assert sum(counts.values()) == 10


def test_same_request_id_and_spec_give_the_first_job_again(jobs: JobServiceStub) -> None:
    request = messages.SubmitJobRequest(spec=bell_spec(), request_id=uuid.uuid4().hex)
    first, second = jobs.SubmitJob(request), jobs.SubmitJob(request)
    assert (first.created, second.created) == (True, False)
    assert first.job.job_id == second.job.job_id
    list(jobs.WatchJob(messages.WatchJobRequest(job_id=first.job.job_id)))
    # Also when it has finished, and through the other call.
    assert not jobs.SubmitJob(request).created
    events = run(jobs, request.spec, request.request_id)
    assert events[0].accepted.job.job_id == first.job.job_id
    assert not events[0].accepted.created
    assert events[-1].finished.job.status.status == JobState.JOB_STATE_DONE


def test_request_of_a_finished_job_that_comes_again_runs_nothing(
    jobs: JobServiceStub, server: ServerProcess
) -> None:
    request = messages.SubmitJobRequest(spec=bell_spec(), request_id=uuid.uuid4().hex)
    job_id = jobs.SubmitJob(request).job.job_id
    list(jobs.WatchJob(messages.WatchJobRequest(job_id=job_id)))
    workers = server.worker_pids()
    assert {jobs.SubmitJob(request).job.job_id for _ in range(5)} == {job_id}
    # A job that runs after them shows that the workers are those of before.
    run(jobs, bell_spec())
    assert server.worker_pids() == workers
    assert jobs.GetJob(messages.GetJobRequest(job_id=job_id)).job.attempt == 1


def test_same_request_id_while_the_job_runs_gives_it_again(
    jobs: JobServiceStub, gate: Path
) -> None:
    request = messages.SubmitJobRequest(spec=bell_spec(gate=gate), request_id=uuid.uuid4().hex)
    assert jobs.SubmitJob(request).job.job_id == jobs.SubmitJob(request).job.job_id


@pytest.mark.parametrize("finished", [False, True])
def test_request_id_with_another_spec_is_refused(
    jobs: JobServiceStub, gate: Path, finished: bool
) -> None:
    request_id = uuid.uuid4().hex
    first = jobs.SubmitJob(
        messages.SubmitJobRequest(spec=bell_spec(gate=gate), request_id=request_id)
    )
    if finished:
        gate.touch()
        list(jobs.WatchJob(messages.WatchJobRequest(job_id=first.job.job_id)))
    status, info = refusal(lambda: run(jobs, bell_spec(shots=11), request_id))
    assert status.code == code_pb2.ALREADY_EXISTS
    assert info.reason == "REQUEST_ID_REUSED"
    assert info.metadata["job_id"] == first.job.job_id


def test_without_a_request_id_every_call_makes_a_job(jobs: JobServiceStub) -> None:
    request = messages.SubmitJobRequest(spec=bell_spec())
    assert jobs.SubmitJob(request).job.job_id != jobs.SubmitJob(request).job.job_id


def test_watch_that_resumes_hears_no_change_twice_and_misses_none(
    jobs: JobServiceStub, gate: Path
) -> None:
    submitted = jobs.SubmitJob(messages.SubmitJobRequest(spec=bell_spec(gate=gate)))
    job_id = submitted.job.job_id
    heard: list[int] = []
    watch = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id))
    for response in watch:
        heard += changes_of(response.events)
        if any(e.status_changed.status == JobState.JOB_STATE_RUNNING for e in response.events):
            break
    watch.cancel()
    gate.touch()
    resumed = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id, resume_after=heard[-1]))
    heard += [sequence for response in resumed for sequence in changes_of(response.events)]
    assert heard == [1, 2, 3, 4]
    # A watch behind the last event has nothing to hear.
    over = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id, resume_after=heard[-1]))
    assert list(over) == []


def changes_of(events: Iterable[JobEvent]) -> list[int]:
    """The sequences of the events that changed the state."""
    kinds = ("status_changed", "finished")
    return [event.sequence for event in events if event.WhichOneof("event") in kinds]


def test_result_comes_in_chunks_that_join_to_what_the_digest_says(jobs: JobServiceStub) -> None:
    circuit = QuantumCircuit(16, name="wide")
    for qubit in range(16):
        circuit.ry(0.1 + 0.2 * qubit, qubit)
        circuit.p(0.3 * qubit, qubit)
    circuit.cx(0, 15)
    circuit.append(SaveStatevector(16), range(16))
    spec = JobSpec(backend_name="aer_simulator", program=program_to_proto(circuit))
    events = run(jobs, spec)
    final = events[-1].finished
    # Above limits.inline_result_bytes, so not in the event.
    assert not final.HasField("result")
    request = messages.GetResultRequest(job_id=final.job.job_id)
    first, *others = jobs.GetResult(request)
    assert others
    data = b"".join(response.chunk for response in (first, *others))
    assert len(data) == first.total_bytes
    assert hashlib.sha256(data).digest() == first.header.sha256
    assert not first.header.data
    assert all(not response.HasField("header") for response in others)
    result = EncodedResult(
        data=data, compression=first.header.compression, sha256=first.header.sha256
    )
    assert decode_result(result).get_statevector().num_qubits == 16


def test_list_jobs_pages_hold_every_job_once(jobs: JobServiceStub) -> None:
    tag = uuid.uuid4().hex
    spec = bell_spec(shots=1)
    spec.tags.append(tag)
    made = [jobs.SubmitJob(messages.SubmitJobRequest(spec=spec)).job.job_id for _ in range(7)]
    request = messages.ListJobsRequest(page_size=3, tag=tag)
    listed = []
    while True:
        page = jobs.ListJobs(request)
        assert len(page.jobs) <= 3
        listed += [job.job_id for job in page.jobs]
        if not page.next_page_token:
            break
        request.page_token = page.next_page_token
    assert listed == made[::-1]


def test_list_jobs_by_state_shows_only_jobs_in_it(jobs: JobServiceStub, gate: Path) -> None:
    tag = uuid.uuid4().hex
    spec = bell_spec(gate=gate)
    spec.tags.append(tag)
    job_id = jobs.SubmitJob(messages.SubmitJobRequest(spec=spec)).job.job_id
    for response in jobs.WatchJob(messages.WatchJobRequest(job_id=job_id)):
        if any(e.status_changed.status == JobState.JOB_STATE_RUNNING for e in response.events):
            break

    def listed(state: JobState.ValueType) -> list[str]:
        request = messages.ListJobsRequest(tag=tag, states=[state])
        return [job.job_id for job in jobs.ListJobs(request).jobs]

    assert listed(JobState.JOB_STATE_RUNNING) == [job_id]
    assert listed(JobState.JOB_STATE_VALIDATING) == []
    assert listed(JobState.JOB_STATE_QUEUED) == []


@pytest.mark.parametrize(
    ("request_", "field"),
    [
        (messages.ListJobsRequest(page_token="nonsense"), "page_token"),
        (messages.ListJobsRequest(page_token="AAAA"), "page_token"),
        (messages.ListJobsRequest(page_token="Aé"), "page_token"),
        (messages.ListJobsRequest(page_size=1001), "page_size"),
        (messages.ListJobsRequest(states=[JobState.JOB_STATE_UNSPECIFIED]), "states"),
        (messages.ListJobsRequest(states=[JobState.JOB_STATE_DONE] * 33), "states"),
        (messages.ListJobsRequest(created_after=Timestamp(seconds=2**63 - 1)), "created_after"),
        (messages.ListJobsRequest(created_before=Timestamp(seconds=-(2**63))), "created_before"),
        (messages.ListJobsRequest(created_after=Timestamp(seconds=10**12)), "created_after"),
        (messages.ListJobsRequest(created_before=Timestamp(nanos=-5)), "created_before"),
        (messages.ListJobsRequest(created_before=Timestamp(nanos=10**9)), "created_before"),
    ],
    ids=[
        "word",
        "short",
        "letter",
        "page",
        "unspecified",
        "states",
        "late",
        "early",
        "milliseconds",
        "negative nanos",
        "a second of nanos",
    ],
)
def test_list_jobs_with_a_wrong_field_is_refused_with_its_name(
    jobs: JobServiceStub, request_: messages.ListJobsRequest, field: str
) -> None:
    status, info = refusal(lambda: [jobs.ListJobs(request_)])
    assert (status.code, info.reason) == (code_pb2.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    bad_request = error_details_pb2.BadRequest()
    assert detail(status, bad_request)
    assert [each.field for each in bad_request.field_violations] == [field]


def with_changes(**changes: object) -> JobSpec:
    """The Bell spec with fields replaced."""
    spec = bell_spec()
    for name, value in changes.items():
        if isinstance(value, Message):
            getattr(spec, name).CopyFrom(value)
        elif isinstance(value, list):
            getattr(spec, name)[:] = value
        else:
            setattr(spec, name, value)
    return spec


def qpy_program(version: int) -> Program:
    """A QPY payload whose header says a version."""
    buffer = io.BytesIO()
    qpy.dump(bell(), buffer)
    payload = bytearray(buffer.getvalue())
    payload[6] = version
    return Program(
        format=ProgramFormat.PROGRAM_FORMAT_QPY, payloads=[bytes(payload)], qpy_version=version
    )


INVALID = code_pb2.INVALID_ARGUMENT
QPY = ProgramFormat.PROGRAM_FORMAT_QPY


@pytest.mark.parametrize(
    ("spec", "code", "reason"),
    [
        (JobSpec(), INVALID, "ARGUMENT_INVALID"),
        (with_changes(backend_name="gatd"), code_pb2.NOT_FOUND, "BACKEND_NOT_FOUND"),
        (with_changes(name="x" * 129), INVALID, "ARGUMENT_INVALID"),
        (with_changes(tags=["a"] * 33), INVALID, "ARGUMENT_INVALID"),
        (with_changes(tags=["a\nb"]), INVALID, "ARGUMENT_INVALID"),
        (with_changes(program=Program()), INVALID, "PROGRAM_FORMAT_UNSUPPORTED"),
        (with_changes(program=Program(format=QPY)), INVALID, "ARGUMENT_INVALID"),
        (
            with_changes(program=Program(format=QPY, payloads=[b"no qpy"])),
            INVALID,
            "PROGRAM_INVALID",
        ),
        (with_changes(program=qpy_program(12)), INVALID, "PROGRAM_FORMAT_UNSUPPORTED"),
    ],
    ids=[
        "empty",
        "unknown backend",
        "long name",
        "many tags",
        "line break in a tag",
        "no format",
        "no payload",
        "not QPY",
        "old QPY",
    ],
)
def test_spec_that_cannot_become_a_job_is_refused(
    jobs: JobServiceStub, spec: JobSpec, code: int, reason: str
) -> None:
    for call in (
        lambda: run(jobs, spec),
        lambda: [jobs.SubmitJob(messages.SubmitJobRequest(spec=spec))],
    ):
        status, info = refusal(call)
        assert (status.code, info.reason) == (code, reason)
        assert status.message


def test_unknown_backend_is_refused_with_the_near_names(jobs: JobServiceStub) -> None:
    _, info = refusal(lambda: run(jobs, with_changes(backend_name="gatd")))
    assert info.metadata["near"] == "gated"


def test_qpy_newer_than_the_server_fails_the_job_with_the_version(jobs: JobServiceStub) -> None:
    final = run(jobs, with_changes(program=qpy_program(200)))[-1].finished
    assert final.job.error.reason in (
        ErrorReason.ERROR_REASON_PROGRAM_FORMAT_UNSUPPORTED,
        ErrorReason.ERROR_REASON_PROGRAM_INVALID,
    )
    assert "200" in final.job.error.message


# The second says that it holds one circuit, and goes on with nonsense.
@pytest.mark.parametrize(
    "payload",
    [b"QISKIT\x0f", b"QISKIT\x0f\2\0\0" + b"\0" * 7 + b"\1" + bytes(range(256)) * 4],
    ids=["cut off", "nonsense"],
)
def test_damaged_qpy_fails_the_job_and_the_next_one_runs(
    jobs: JobServiceStub, payload: bytes
) -> None:
    program = Program(format=QPY, payloads=[payload], qpy_version=15)
    final = run(jobs, with_changes(program=program))[-1].finished
    assert final.job.status.status == JobState.JOB_STATE_ERROR
    assert final.job.error.message
    assert final.job.status.status_msg == final.job.error.message
    assert run(jobs, bell_spec())[-1].finished.job.status.status == JobState.JOB_STATE_DONE


def test_deleted_job_is_gone(jobs: JobServiceStub) -> None:
    job_id = run(jobs, bell_spec())[0].job_id
    jobs.DeleteJob(messages.DeleteJobRequest(job_id=job_id))
    for call in (
        lambda: [jobs.GetJob(messages.GetJobRequest(job_id=job_id))],
        lambda: jobs.GetResult(messages.GetResultRequest(job_id=job_id)),
        lambda: jobs.WatchJob(messages.WatchJobRequest(job_id=job_id)),
        lambda: [jobs.CancelJob(messages.CancelJobRequest(job_id=job_id))],
        lambda: [jobs.DeleteJob(messages.DeleteJobRequest(job_id=job_id))],
    ):
        status, info = refusal(call)
        assert (status.code, info.reason) == (code_pb2.NOT_FOUND, "JOB_NOT_FOUND")


def test_job_that_runs_has_no_result_and_cannot_be_deleted(
    jobs: JobServiceStub, gate: Path
) -> None:
    submitted = jobs.SubmitJob(messages.SubmitJobRequest(spec=bell_spec(gate=gate)))
    job_id = submitted.job.job_id
    for call in (
        lambda: [jobs.DeleteJob(messages.DeleteJobRequest(job_id=job_id))],
        lambda: jobs.GetResult(messages.GetResultRequest(job_id=job_id)),
    ):
        status, info = refusal(call)
        assert (status.code, info.reason) == (code_pb2.FAILED_PRECONDITION, "JOB_NOT_FINISHED")
    cancelled = jobs.CancelJob(messages.CancelJobRequest(job_id=job_id)).job
    assert cancelled.status.status == JobState.JOB_STATE_CANCELLED
    status, info = refusal(lambda: jobs.GetResult(messages.GetResultRequest(job_id=job_id)))
    assert info.reason == "RESULT_NOT_AVAILABLE"


def test_job_runs_on_when_its_caller_goes_away(jobs: JobServiceStub, gate: Path) -> None:
    call = jobs.RunJob(messages.RunJobRequest(spec=bell_spec(gate=gate)))
    job_id = next(call).events[0].job_id
    call.cancel()
    gate.touch()
    *_, last = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id))
    assert last.events[-1].finished.job.status.status == JobState.JOB_STATE_DONE


def test_counts_come_as_bit_strings_when_asked_for(jobs: JobServiceStub) -> None:
    spec = bell_spec()
    spec.options.counts_format = CountsFormat.COUNTS_FORMAT_BITSTRINGS
    encoded = run(jobs, spec)[-1].finished.result
    counts = Result.FromString(encoded.data).results[0].data[0].counts
    assert set(counts.bitstrings) <= {"00", "11"}
    assert sum(counts.counts) == 10

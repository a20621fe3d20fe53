"""What a running job tells, and of which kind it is, in messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from circuits import bell
from google.rpc import code_pb2, error_details_pb2
from qiskit import qasm3
from server_process import ServerProcess, configured_server, wait_until_loaded
from service_calls import bell_spec, detail, refusal, run

from longwire.codecs.primitive_result import decode_primitive_result, decode_pub_result
from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import Job, JobKind, JobProgress, JobSpec, JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub
from longwire.v1.primitive_pb2 import SamplerPub, SamplerSpec
from longwire.v1.program_pb2 import Program, ProgramFormat, RunOptions
from longwire.v1.value_pb2 import StructField, StructValue, Value

CIRCUITS = 3
RUNNING, DONE = JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_DONE

CONFIG = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "stepped"
factory = "stepped_backend:SteppedBackend"
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with one worker and a backend that runs one circuit at a time."""
    with configured_server(tmp_path_factory.mktemp("stepped"), CONFIG) as running:
        wait_until_loaded(running)
        yield running


@pytest.fixture
def jobs(server: ServerProcess) -> Iterator[JobServiceStub]:
    """Its jobs."""
    with grpc.insecure_channel(server.address) as channel:
        yield JobServiceStub(channel)


@pytest.fixture
def gates(tmp_path: Path) -> Iterator[Path]:
    """The gates of a job's runs, all open at the latest when the test is over."""
    path = tmp_path / "gates"
    path.mkdir()
    yield path
    for number in range(CIRCUITS):
        (path / str(number)).touch()


def backend_options(gates: Path) -> StructValue:
    return StructValue(fields=[StructField(name="gates", value=Value(string_value=str(gates)))])


def make_spec(gates: Path) -> JobSpec:
    """Bell circuits, each behind a gate."""
    program = Program(
        format=ProgramFormat.PROGRAM_FORMAT_OPENQASM3,
        payloads=[qasm3.dumps(bell()).encode()] * CIRCUITS,
    )
    options = RunOptions(shots=10, backend_options=backend_options(gates))
    return JobSpec(backend_name="stepped", program=program, options=options)


def make_sampler_spec() -> JobSpec:
    """Bell circuits that Aer samples one after another."""
    spec = JobSpec(backend_name="aer_simulator", program=bell_spec().program)
    pubs = [SamplerPub(shots=5 + number) for number in range(CIRCUITS)]
    spec.sampler.CopyFrom(SamplerSpec(pubs=pubs))
    return spec


def submit(jobs: JobServiceStub, spec: JobSpec) -> str:
    return jobs.SubmitJob(messages.SubmitJobRequest(spec=spec)).job.job_id


def watch(jobs: JobServiceStub, job_id: str, *, pub_results: bool = False) -> Iterator[JobEvent]:
    request = messages.WatchJobRequest(job_id=job_id, pub_results=pub_results)
    for response in jobs.WatchJob(request, timeout=120):
        yield from response.events


def get(jobs: JobServiceStub, job_id: str) -> Job:
    return jobs.GetJob(messages.GetJobRequest(job_id=job_id)).job


def is_progress(event: JobEvent, finished: int) -> bool:
    return event.progress == JobProgress(finished=finished, total=CIRCUITS)


def test_progress_is_told_as_the_job_goes_on(jobs: JobServiceStub, gates: Path) -> None:
    job_id = submit(jobs, make_spec(gates))
    events = watch(jobs, job_id)
    heard: list[JobEvent] = []
    for finished in range(1, CIRCUITS):
        (gates / str(finished - 1)).touch()
        heard += until_progress(events, finished)
        job = get(jobs, job_id)
        assert job.progress == JobProgress(finished=finished, total=CIRCUITS)
        (listed,) = jobs.ListJobs(messages.ListJobsRequest(page_size=1)).jobs
        assert listed == job
        # Whoever comes now hears how far it is.
        until_progress(watch(jobs, job_id), finished)
    (gates / str(CIRCUITS - 1)).touch()
    heard += events
    assert is_progress(heard[-2], CIRCUITS)
    told = [event for event in heard if event.HasField("progress")]
    # Telling how far it is changes no state.
    assert {event.sequence for event in told} == {3}
    final = heard[-1].finished
    assert (final.job.status.status, heard[-1].sequence) == (DONE, 4)
    for job in (final.job, get(jobs, job_id)):
        assert not job.HasField("progress")


def until_progress(events: Iterator[JobEvent], finished: int) -> list[JobEvent]:
    """The events up to the one that tells so many finished circuits."""
    heard = []
    for event in events:
        heard.append(event)
        if is_progress(event, finished):
            return heard
    raise AssertionError("it ended")


def test_finished_pubs_are_told_from_the_first_on_to_those_that_ask(
    one_worker_server: ServerProcess, gate: Path
) -> None:
    with grpc.insecure_channel(one_worker_server.address) as channel:
        jobs = JobServiceStub(channel)
        submit(jobs, bell_spec(gate=gate))
        job_id = submit(jobs, make_sampler_spec())
        with_pubs, without = watch(jobs, job_id, pub_results=True), watch(jobs, job_id)
        # Both watch before the job begins.
        assert {next(with_pubs).sequence, next(without).sequence} == {1}
        gate.touch()
        heard = list(with_pubs)
        pubs = [event.pub_finished for event in heard if event.HasField("pub_finished")]
        # How many are told one by one is the worker's business, but for the first.
        assert pubs
        assert [(pub.pub_index, pub.attempt) for pub in pubs] == [
            (number, 1) for number in range(len(pubs))
        ]
        whole = decode_primitive_result(heard[-1].finished.result)
        assert [pub.data.c.num_shots for pub in whole] == [5, 6, 7]
        for pub, expected in zip(pubs, whole, strict=False):
            assert decode_pub_result(pub.result).data.c.get_counts() == expected.data.c.get_counts()
        assert {event.sequence for event in heard if event.HasField("pub_finished")} == {3}
        assert not any(event.HasField("pub_finished") for event in without)
        # Afterwards there is only the end.
        late = watch(jobs, job_id, pub_results=True)
        assert [event.WhichOneof("event") for event in late] == ["finished"]


@pytest.mark.parametrize(
    ("is_sampler", "kind"),
    [(False, JobKind.JOB_KIND_CIRCUITS), (True, JobKind.JOB_KIND_SAMPLER)],
)
def test_kind_is_in_every_message_about_a_job(
    one_worker_server: ServerProcess, is_sampler: bool, kind: JobKind.ValueType
) -> None:
    spec = make_sampler_spec() if is_sampler else bell_spec()
    with grpc.insecure_channel(one_worker_server.address) as channel:
        jobs = JobServiceStub(channel)
        events = run(jobs, spec)
        submitted = jobs.SubmitJob(messages.SubmitJobRequest(spec=spec)).job
        cancelled = jobs.CancelJob(messages.CancelJobRequest(job_id=submitted.job_id)).job
        (listed,) = jobs.ListJobs(messages.ListJobsRequest(page_size=1)).jobs
        told = [events[0].accepted.job, events[-1].finished.job, get(jobs, events[0].job_id)]
    assert {job.kind for job in (*told, submitted, cancelled, listed)} == {kind}


def test_primitive_with_run_options_is_refused_with_the_field(jobs: JobServiceStub) -> None:
    spec = bell_spec(backend_name="stepped")
    spec.sampler.pubs.add()
    status, info = refusal(lambda: run(jobs, spec))
    assert (status.code, info.reason) == (code_pb2.INVALID_ARGUMENT, "ARGUMENT_INVALID")
    bad_request = error_details_pb2.BadRequest()
    assert detail(status, bad_request)
    assert [each.field for each in bad_request.field_violations] == ["spec.options"]

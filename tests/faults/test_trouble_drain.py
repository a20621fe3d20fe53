"""A server that is told to stop: who watches and who asks after its health hears of it."""

from __future__ import annotations

import itertools
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status
from job_submitters import ended, reason_of
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import bell_spec, detail, recorded

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[server]
drain_grace_seconds = {grace_seconds}

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "simulator"
factory = "gated_backend:GatedBackend"
max_attempts = 3
"""
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
SERVICE_UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVICES = ("", "longwire.v1.JobService", "longwire.v1.BackendService")


def config(grace_seconds: float) -> str:
    """The configuration."""
    return CONFIG.format(grace_seconds=grace_seconds)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server with one worker and little patience."""
    with configured_server(tmp_path / "data", config(0.2)) as running:
        yield running


def submit(jobs: JobServiceStub, gate: Path | None = None) -> str:
    """The id of a new job."""
    spec = bell_spec(backend_name="simulator", gate=gate)
    return jobs.SubmitJob(messages.SubmitJobRequest(spec=spec), wait_for_ready=True).job.job_id


def wait_until_running(server: ServerProcess, job_id: str) -> None:
    """Waits until a job runs."""
    wait_until(lambda: recorded(server.address, job_id).status.status == JobState.JOB_STATE_RUNNING)


def watched(jobs: JobServiceStub, job_id: str, resume_after: int = 0) -> Iterator[JobEvent]:
    """The events of a job."""
    request = messages.WatchJobRequest(job_id=job_id, resume_after=resume_after)
    for answer in jobs.WatchJob(request, wait_for_ready=True, timeout=START_SECONDS):
        yield from answer.events


def events_until_told(jobs: JobServiceStub, job_id: str, seen: list[JobEvent]) -> grpc.RpcError:
    """Puts the events of a job into a list, and returns how the watch ends."""
    with pytest.raises(grpc.RpcError) as caught:
        seen.extend(watched(jobs, job_id))
    return caught.value


def test_health_tells_of_the_drain_before_anything_is_refused(tmp_path: Path, gate: Path) -> None:
    with (
        configured_server(tmp_path / "data", config(60)) as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        jobs, health = JobServiceStub(channel), health_pb2_grpc.HealthStub(channel)
        running = submit(jobs, gate)
        wait_until_running(server, running)
        told, left = (health.Watch(health_pb2.HealthCheckRequest()) for _ in range(2))
        assert next(told).status == next(left).status == SERVING
        # Who asks after what is not there, or goes away, disturbs nobody.
        absent = health_pb2.HealthCheckRequest(service="longwire.v1.Absent")
        assert next(health.Watch(absent)).status == SERVICE_UNKNOWN
        with pytest.raises(grpc.RpcError) as caught:
            health.Check(absent)
        assert caught.value.code() is grpc.StatusCode.NOT_FOUND
        left.cancel()
        server.process.send_signal(signal.SIGTERM)

        def refused() -> str:
            try:
                submit(jobs)
            except grpc.RpcError as error:
                return reason_of(error)
            return ""

        reasons = (refused() for _ in itertools.count())
        assert next(filter(None, reasons)) == "SERVER_DRAINING"
        for service in SERVICES:
            request = health_pb2.HealthCheckRequest(service=service)
            assert health.Check(request).status == NOT_SERVING
        assert next(told).status == NOT_SERVING
        assert recorded(server.address, running).status.status == JobState.JOB_STATE_RUNNING
        gate.touch()
        (job,) = ended(server.address, [running])
        assert job.status.status == JobState.JOB_STATE_DONE
        told.cancel()
        assert server.wait() == 0


def test_watchers_are_told_to_resume_and_then_see_each_event_once(
    server: ServerProcess, gate: Path, tmp_path: Path
) -> None:
    seen: dict[str, list[JobEvent]] = {}
    with (
        grpc.insecure_channel(server.address) as channel,
        ThreadPoolExecutor(4) as threads,
    ):
        jobs = JobServiceStub(channel)
        running = submit(jobs, gate)
        wait_until_running(server, running)
        for job_id in (running, *(submit(jobs) for _ in range(3))):
            seen[job_id] = []
        ends = [
            threads.submit(events_until_told, jobs, job_id, events)
            for job_id, events in seen.items()
        ]
        wait_until(lambda: all(seen.values()))
        assert server.terminate() == 0
        for each in ends:
            error = each.result(START_SECONDS)
            status, retry = rpc_status.from_call(error), error_details_pb2.RetryInfo()
            assert status is not None
            assert error.code() is grpc.StatusCode.UNAVAILABLE
            assert reason_of(error) == "SERVER_DRAINING"
            assert detail(status, retry)
            assert retry.retry_delay.ToMilliseconds() > 0
    gate.touch()
    with (
        configured_server(tmp_path / "data", config(60), address=server.address),
        grpc.insecure_channel(server.address) as channel,
    ):
        jobs = JobServiceStub(channel)
        for job_id, events in seen.items():
            events.extend(watched(jobs, job_id, resume_after=events[-1].sequence))
            assert [event.HasField("finished") for event in events].count(True) == 1
            changes = [
                event.sequence
                for event in events
                if event.WhichOneof("event") in ("status_changed", "finished")
            ]
            assert changes == sorted(set(changes))
        records = ended(server.address, seen)
        assert [job.status.status for job in records] == [JobState.JOB_STATE_DONE] * 4
        assert [job.attempt for job in records] == [2, 1, 1, 1]
        began = [job.start_time.ToNanoseconds() for job in records]
        assert began == sorted(began), "jobs ran in another order than before the restart"

"""Jobs that belong to a call end with it; others do not."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from api_tokens import make_token, shown, sqlite_url
from proxy import Proxy
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import bell_spec, recorded, refusal
from streamed_calls import StreamedCalls

from longwire.v1 import job_service_pb2 as messages
from longwire.v1.job_pb2 import JobState
from longwire.v1.job_service_pb2_grpc import JobServiceStub

CONFIG = """
[server]
drain_grace_seconds = 0.2

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
max_attempts = 3
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with configured_server(tmp_path_factory.mktemp("owning"), CONFIG) as running:
        yield running


@pytest.fixture
def jobs(server: ServerProcess) -> Iterator[JobServiceStub]:
    with grpc.insecure_channel(server.address) as channel:
        yield JobServiceStub(channel)


def owned(gate: Path, request_id: str = "") -> messages.RunJobRequest:
    """A job that waits for a gate, and belongs to its call."""
    spec = bell_spec(gate=gate)
    return messages.RunJobRequest(spec=spec, request_id=request_id, cancel_with_call=True)


def until_running(call: Any) -> str:
    """Reads events until the job runs; its id."""
    for response in call:
        for event in response.events:
            if event.status_changed.status == JobState.JOB_STATE_RUNNING:
                return str(event.job_id)
    raise AssertionError("the job never ran")


def state(server: ServerProcess, job_id: str) -> int:
    return recorded(server.address, job_id).status.status


def until_cancelled(server: ServerProcess, job_id: str) -> None:
    wait_until(lambda: state(server, job_id) == JobState.JOB_STATE_CANCELLED)


def test_call_that_is_cancelled_takes_its_job_along(
    server: ServerProcess, jobs: JobServiceStub, gate: Path
) -> None:
    call = jobs.RunJob(owned(gate))
    job_id = until_running(call)
    call.cancel()
    until_cancelled(server, job_id)


def test_call_whose_deadline_is_over_takes_its_job_along_at_once(
    server: ServerProcess, jobs: JobServiceStub, gate: Path
) -> None:
    first = jobs.RunJob(messages.RunJobRequest(spec=bell_spec(gate=gate)))
    until_running(first)
    # It waits behind the other, whose worker is the only one.
    call = jobs.RunJob(owned(gate), timeout=1.0)
    job_id = next(call).events[0].job_id
    with pytest.raises(grpc.RpcError) as caught:
        list(call)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    until_cancelled(server, job_id)
    gate.touch()
    list(first)


def test_job_of_a_call_that_does_not_own_it_goes_on(
    server: ServerProcess, jobs: JobServiceStub, gate: Path
) -> None:
    owning = jobs.RunJob(owned(gate))
    cancelled = until_running(owning)
    call = jobs.RunJob(messages.RunJobRequest(spec=bell_spec()))
    job_id = next(call).events[0].job_id
    call.cancel()
    owning.cancel()
    # By then both calls have ended, the other one first.
    until_cancelled(server, cancelled)
    wait_until(lambda: state(server, job_id) == JobState.JOB_STATE_DONE)


def test_job_outlives_a_broken_connection_if_another_call_takes_it(
    server: ServerProcess, jobs: JobServiceStub, gate: Path
) -> None:
    proxy = Proxy(server.address)
    try:
        with grpc.insecure_channel(proxy.address) as channel:
            call = JobServiceStub(channel).RunJob(owned(gate))
            job_id = until_running(call)
            proxy.cut()
            watch = jobs.WatchJob(messages.WatchJobRequest(job_id=job_id, cancel_with_call=True))
            next(watch)
            with pytest.raises(grpc.RpcError):
                list(call)
            # One that belongs to a call that ends after the first has: its end tells that
            # the time of the first is over, too.
            later = jobs.RunJob(owned(gate))
            later_id = next(later).events[0].job_id
            later.cancel()
            until_cancelled(server, later_id)
            gate.touch()
            events = [event for response in watch for event in response.events]
            assert events[-1].finished.job.status.status == JobState.JOB_STATE_DONE
    finally:
        proxy.close()


def test_request_that_is_repeated_owns_its_job_again(
    server: ServerProcess, jobs: JobServiceStub, gate: Path
) -> None:
    first = jobs.RunJob(owned(gate, "once"))
    job_id = until_running(first)
    second = jobs.RunJob(owned(gate, "once"))
    assert not next(second).events[0].accepted.created
    first.cancel()
    gate.touch()
    assert [e for r in second for e in r.events][-1].finished.result.data
    assert state(server, job_id) == JobState.JOB_STATE_DONE


def test_call_of_a_stream_that_is_abandoned_takes_its_job_along(
    server: ServerProcess, gate: Path
) -> None:
    with grpc.insecure_channel(server.address) as channel, StreamedCalls(channel) as calls:
        number = calls.begin("run_job", owned(gate))
        job_id = next(calls.answers(number)).events[0].job_id
        calls.abandon(number)
        until_cancelled(server, job_id)


def test_server_that_stops_lets_the_job_go_on(tmp_path: Path, gate: Path) -> None:
    with configured_server(tmp_path, CONFIG) as server:
        with grpc.insecure_channel(server.address) as channel:
            call = JobServiceStub(channel).RunJob(owned(gate))
            job_id = until_running(call)
            server.process.send_signal(signal.SIGTERM)
            _, info = refusal(lambda: call)
            assert info.reason == "SERVER_DRAINING"
        server.wait()
    gate.touch()
    with configured_server(tmp_path, CONFIG) as server:
        wait_until(lambda: state(server, job_id) == JobState.JOB_STATE_DONE, seconds=START_SECONDS)


def test_who_may_only_look_cannot_own_a_job(tmp_path: Path, gate: Path) -> None:
    url = sqlite_url(tmp_path)
    user, reader = shown(make_token(url)), shown(make_token(url, scopes=[1]))
    with (
        configured_server(tmp_path, f"[auth]\nrequired = true\n{CONFIG}") as server,
        grpc.insecure_channel(server.address) as channel,
    ):
        jobs = JobServiceStub(channel)
        run = jobs.RunJob(messages.RunJobRequest(spec=bell_spec(gate=gate)), metadata=user)
        job_id = until_running(run)
        request = messages.WatchJobRequest(job_id=job_id, cancel_with_call=True)
        status, info = refusal(lambda: jobs.WatchJob(request, metadata=reader))
        assert info.reason == "PERMISSION_DENIED"
        assert "submit" in status.message
        gate.touch()
        list(run)

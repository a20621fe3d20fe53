"""What clients do over a stream of calls, and that nobody notices but by the clock."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import FrameType
from typing import Any

import http2_frames as http2
import pytest
import scripted_jobs as scripted
from circuits import asymmetric, bell
from proxy import Proxy, proxy_to
from qiskit.providers import JobStatus
from qiskit_aer import AerSimulator
from scripted_job_service import ScriptedJobService
from scripted_jobs import HeldBackStreams, ScriptedJobs
from server_process import START_SECONDS, ServerProcess, running_server, wait_until

from longwire import RemoteBackend, RemoteProvider, RemoteService
from longwire.errors import BackendNotFoundError, JobTimeoutError, ServerUnreachableError
from longwire.transport import call_stream, calls, job_stream
from longwire.transport.backend_calls import BackendCalls
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1.job_service_pb2 import RunJobRequest

READER = "longwire-calls"


class CallCounter:
    """Counts the calls of gRPC that go through a proxy, by the frames that begin one."""

    def __init__(self) -> None:
        self._received = b""
        self.count = 0

    def watch(self, chunk: bytes) -> None:
        """Takes what goes to the server of one connection."""
        self._received += chunk.removeprefix(http2.PREFACE)
        while len(self._received) >= 9:
            size = 9 + int.from_bytes(self._received[:3], "big")
            if len(self._received) < size:
                return
            self.count += self._received[3] == http2.HEADERS
            self._received = self._received[size:]


@pytest.fixture
def server(one_worker_server: ServerProcess) -> ServerProcess:
    return one_worker_server


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    with proxy_to(server.address) as between:
        yield between


@pytest.fixture
def provider(proxy: Proxy) -> Iterator[RemoteProvider]:
    """A user who has run a job, so that what follows goes over a stream."""
    with RemoteProvider(proxy.address, timeout_seconds=START_SECONDS) as found:
        found.get_backend("aer_simulator").run(bell(), shots=1).result()
        yield found


@pytest.fixture
def gated(provider: RemoteProvider) -> RemoteBackend:
    return provider.get_backend("gated")


def num_readers() -> int:
    """How many streams of calls this process reads."""
    return sum(thread.name == READER for thread in threading.enumerate())


def test_many_jobs_and_questions_take_one_call_of_grpc(
    server: ServerProcess,
) -> None:
    with proxy_to(server.address) as proxy, RemoteProvider(proxy.address) as provider:
        counter = CallCounter()
        proxy.watch = counter.watch
        backend = provider.get_backend("aer_simulator")
        backend.run(bell(), shots=1).result()
        before = counter.count
        for _ in range(10):
            backend.run(bell(), shots=1).result()
            backend.status()
        assert counter.count == before + 1


def test_program_that_makes_one_call_opens_no_stream(server: ServerProcess) -> None:
    before = num_readers()
    with RemoteProvider(server.address) as provider:
        provider.get_backend("aer_simulator").run(bell(), shots=1).result()
        assert num_readers() == before


def test_threads_share_the_stream_and_get_each_its_own_result(provider: RemoteProvider) -> None:
    backend = provider.get_backend("aer_simulator")

    def counts(seed: int) -> dict[str, int]:
        found = backend.run(asymmetric(), shots=300, seed_simulator=seed).result().get_counts()
        return dict(found)

    before = num_readers()
    with ThreadPoolExecutor(16) as threads:
        found = list(threads.map(counts, range(64)))
        assert num_readers() <= before + 1
    local = AerSimulator()
    assert found == [
        local.run(asymmetric(), shots=300, seed_simulator=seed).result().get_counts()
        for seed in range(64)
    ]


def test_large_program_goes_by_itself(provider: RemoteProvider, proxy: Proxy) -> None:
    backend = provider.get_backend("aer_simulator")
    backend.status()
    large = bell().copy(name="n" * 30_000)
    circuits = [large.copy(name=f"{number}" + "n" * 30_000) for number in range(4)]
    counter = CallCounter()
    counter.watch(http2.PREFACE)
    proxy.watch = counter.watch
    backend.run(circuits, shots=1).result()
    assert counter.count == 1


def test_refusal_over_the_stream_is_the_error_that_it_is_otherwise(
    provider: RemoteProvider,
) -> None:
    backend_calls = BackendCalls(provider._connection)
    backend_calls.get_backend_status("aer_simulator")
    with pytest.raises(BackendNotFoundError, match="No backend is named 'aer'"):
        backend_calls.get_backend_status("aer")


def test_job_goes_on_when_the_connection_breaks(
    gated: RemoteBackend, proxy: Proxy, gate: Path
) -> None:
    jobs = [gated.run(bell(), shots=10, gate=str(gate)) for _ in range(3)]
    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(job.result) for job in jobs]
        wait_until(jobs[0].running)
        proxy.cut()
        gate.touch()
        for each in waiting:
            assert sum(each.result(START_SECONDS).get_counts().values()) == 10


def test_wait_that_is_over_leaves_the_job_and_the_stream_as_they_were(
    gated: RemoteBackend, gate: Path
) -> None:
    job = gated.run(bell(), shots=10, gate=str(gate))
    for _ in range(2):
        with pytest.raises(JobTimeoutError):
            job.result(timeout=0.05)
    assert gated.status().operational
    gate.touch()
    assert sum(job.result(START_SECONDS).get_counts().values()) == 10


def test_cancel_wakes_who_waits(gated: RemoteBackend, gate: Path) -> None:
    job = gated.run(bell(), gate=str(gate))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(job.wait_for_final_state)
        wait_until(job.running)
        assert job.cancel()
        waiting.result(START_SECONDS)
    assert job.status() is JobStatus.CANCELLED


def test_connection_that_is_closed_ends_what_waits(
    proxy: Proxy, gate: Path, provider: RemoteProvider
) -> None:
    service = RemoteService(proxy.address)
    backend = service.backend("gated")
    backend.run(bell(), shots=1).result()
    job = backend.run(bell(), shots=10, gate=str(gate))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(job.result)
        wait_until(lambda: provider.job(job.job_id()).running())
        service.close()
        with pytest.raises(ServerUnreachableError, match="closed"):
            waiting.result(START_SECONDS)
    gate.touch()


def test_silent_connection_is_replaced(provider: RemoteProvider, proxy: Proxy) -> None:
    backend = provider.get_backend("aer_simulator")
    backend.status()
    proxy.stall(new=False)
    assert backend.status().operational
    assert sum(backend.run(bell(), shots=10).result().get_counts().values()) == 10


def test_idle_stream_ends_and_the_next_call_opens_another(
    monkeypatch: pytest.MonkeyPatch, provider: RemoteProvider
) -> None:
    monkeypatch.setattr(call_stream, "_IDLE_SECONDS", 0.1)
    backend = provider.get_backend("aer_simulator")
    before = num_readers()
    for _ in range(2):
        assert backend.status().operational
        wait_until(lambda: num_readers() == before)


def test_stream_with_a_job_in_it_is_not_idle(
    monkeypatch: pytest.MonkeyPatch, gated: RemoteBackend, proxy: Proxy, gate: Path
) -> None:
    monkeypatch.setattr(call_stream, "_IDLE_SECONDS", 0.01)
    job = gated.run(bell(), shots=10, gate=str(gate))
    counter = CallCounter()
    counter.watch(http2.PREFACE)
    proxy.watch = counter.watch
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(job.result)
        with pytest.raises(TimeoutError):
            waiting.result(0.5)
        gate.touch()
        waiting.result(START_SECONDS)
    assert counter.count == 0


def test_old_stream_takes_no_new_calls_and_answers_those_that_it_has(
    monkeypatch: pytest.MonkeyPatch, provider: RemoteProvider, gate: Path
) -> None:
    monkeypatch.setattr(call_stream, "_MOST_SECONDS", 0.0)
    backend = provider.get_backend("gated")
    job = backend.run(bell(), shots=10, gate=str(gate))
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(job.result)
        for _ in range(3):
            assert backend.status().operational
        gate.touch()
        assert sum(waiting.result(START_SECONDS).get_counts().values()) == 10


def test_old_stream_ends_with_the_last_call_that_is_abandoned(
    monkeypatch: pytest.MonkeyPatch, provider: RemoteProvider, gated: RemoteBackend, gate: Path
) -> None:
    job = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(lambda: num_readers() == 1)
    monkeypatch.setattr(call_stream, "_IDLE_SECONDS", 0.1)
    connection = provider._connection
    connection.renew(connection.channel)
    # On another stream, while the job's goes on.
    assert gated.status().operational
    with pytest.raises(JobTimeoutError):
        job.result(timeout=0.05)
    wait_until(lambda: num_readers() == 0)
    gate.touch()
    assert sum(job.result(START_SECONDS).get_counts().values()) == 10


def test_job_that_is_forgotten_in_the_middle_of_a_call_holds_up_nothing(
    provider: RemoteProvider, gated: RemoteBackend, gate: Path
) -> None:
    job_id = gated.run(bell(), shots=10, gate=str(gate)).job_id()
    job_calls = JobCalls(provider._connection)
    garbage = [_cycle_with_watch(job_calls, job_id) for _ in range(30)]
    is_answered = threading.Event()

    def forget(frame: FrameType, event: str, _argument: object) -> Any:
        if frame.f_code.co_filename != call_stream.__file__:
            return None
        if event == "line" and garbage:
            garbage.pop()
            gc.collect()
        return forget

    def call() -> None:
        sys.settrace(forget)
        assert gated.status().operational
        is_answered.set()

    gc.disable()
    try:
        threading.Thread(target=call, daemon=True).start()
        assert is_answered.wait(START_SECONDS)
    finally:
        gc.enable()
    assert len(garbage) < 30
    gate.touch()


def _cycle_with_watch(calls: JobCalls, job_id: str) -> list[object]:
    """What only the garbage collector forgets, with a call under way in it."""
    stream = JobStream(calls, job_id)
    stream._begin(lambda: calls.watch_job(job_id, 0))
    cycle: list[object] = [stream]
    cycle.append(cycle)
    return cycle


def test_connection_that_is_forgotten_ends_its_stream(server: ServerProcess) -> None:
    before = num_readers()
    connection = Connection(server.address)
    backend_calls = BackendCalls(connection)
    for _ in range(3):
        backend_calls.get_backend_status("aer_simulator")
    assert num_readers() == before + 1
    forgotten = weakref.ref(connection)
    del connection, backend_calls
    gc.collect()
    assert forgotten() is None
    wait_until(lambda: num_readers() == before)


def test_server_without_such_streams_is_asked_once_and_then_by_calls_of_their_own() -> None:
    jobs = ScriptedJobs(scripted.job(), [scripted.finished()])
    with scripted.serving(jobs) as address, proxy_to(address) as proxy:
        counter = CallCounter()
        proxy.watch = counter.watch
        connection = Connection(proxy.address)
        job_calls = JobCalls(connection)
        for _ in range(10):
            assert job_calls.get_job(scripted.JOB_ID).job_id == scripted.JOB_ID
        connection.close()
    assert counter.count == 11


def test_streams_that_something_holds_back_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "SUSPECT_SECONDS", 0.3)
    streams = HeldBackStreams()
    with scripted.serving(ScriptedJobs(scripted.job()), streams) as address:
        connection = Connection(address)
        job_calls = JobCalls(connection)
        for _ in range(4):
            assert job_calls.get_job(scripted.JOB_ID).job_id == scripted.JOB_ID
        connection.close()
    assert streams.opened == 1


def test_submission_that_something_holds_back_is_made_by_itself(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_stream, "SUSPECT_SECONDS", 0.3)
    streams, jobs = HeldBackStreams(), ScriptedJobService()
    with scripted.serving(jobs, streams) as address:
        connection = Connection(address)
        request = RunJobRequest(request_id="once")
        request.spec.program.payloads.append(b"a circuit")
        for _ in range(3):
            _, accepted = JobStream.run(JobCalls(connection), request)
            assert accepted.HasField("accepted")
        connection.close()
    assert (streams.opened, len(jobs.requests)) == (1, 3)


FORKED_WHILE_CALLING = """
import os, sys, threading, warnings
warnings.simplefilter("ignore")
from longwire import RemoteProvider
from longwire.errors import ServerUnreachableError
provider = RemoteProvider(sys.argv[1])
backend = provider.get_backend("aer_simulator")
for _ in range(3):
    backend.status()
def call_on():
    while True:
        backend.status()
for _ in range(3):
    threading.Thread(target=call_on, daemon=True).start()
for _ in range(20):
    child = os.fork()
    if child == 0:
        try:
            backend.status()
        except ServerUnreachableError:
            sys.exit(0)
        sys.exit(1)
    assert os.waitpid(child, 0)[1] == 0
print("all have ended", flush=True)
os._exit(0)
"""


def test_forked_children_end_whatever_the_stream_did_when_they_were_made(
    server: ServerProcess,
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", FORKED_WHILE_CALLING, server.address],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert ended.stdout == "all have ended\n", ended.stderr


@pytest.mark.parametrize("call", [lambda job: job.status(), lambda job: job.result()])
def test_server_that_restarts_is_called_again(
    tmp_path: Path, call: Callable[[object], object]
) -> None:
    with running_server(tmp_path) as first:
        address = first.address
        with RemoteProvider(address, timeout_seconds=START_SECONDS) as provider:
            backend = provider.get_backend("aer_simulator")
            for _ in range(2):
                job = backend.run(bell(), shots=10)
                job.result()
            first.terminate()
            with running_server(tmp_path, address=address):
                assert backend.status().operational
                call(job)
                assert sum(backend.run(bell(), shots=10).result().get_counts().values()) == 10

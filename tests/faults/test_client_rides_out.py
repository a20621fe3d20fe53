"""A client whose server goes away and comes back, or whose connection is cut or dies in silence."""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from circuits import bell
from command_line import CommandLine, read_until
from proxy import Proxy, proxy_to
from qiskit.providers import JobStatus
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until
from service_calls import recorded

from longwire import RemoteJob, RemoteProvider
from longwire.cli.main import run_command_line
from longwire.errors import JobTimeoutError, ServerUnreachableError
from longwire.events import Finished, JobEvent, QueuePosition, StatusChanged
from longwire.transport import job_stream

CONFIG = """
[server]
drain_grace_seconds = 0.2

[limits]
inline_result_bytes = 10

[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
max_attempts = 3
"""
# A connection that is dead is given up within 25 s of the last that came over it.
DEAD_SECONDS = 26.0
# How much later than asked a wait may end, and how often a loaded machine may try.
LATE_SECONDS = 0.2
TRIES = 3


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server that stays, at the other end of proxies."""
    with configured_server(tmp_path_factory.mktemp("stays") / "data", CONFIG) as running:
        yield running


@pytest.fixture
def proxy(server: ServerProcess) -> Iterator[Proxy]:
    """A proxy in front of it."""
    with proxy_to(server.address) as made:
        yield made


@pytest.fixture
def provider(proxy: Proxy) -> Iterator[RemoteProvider]:
    """A provider that sees the server through the proxy."""
    with RemoteProvider(proxy.address) as opened:
        yield opened


@pytest.fixture
def undisturbed(server: ServerProcess) -> Iterator[RemoteProvider]:
    """A provider with a connection that nobody breaks."""
    with RemoteProvider(server.address) as opened:
        yield opened


@pytest.fixture
def threads() -> Iterator[ThreadPoolExecutor]:
    """Threads for calls that wait."""
    with ThreadPoolExecutor(16) as pool:
        yield pool


def run_behind(gate: Path, provider: RemoteProvider, name: str = "") -> RemoteJob:
    """A job that runs until the gate opens."""
    backend = provider.get_backend("gated")
    job = backend.run(bell(), shots=10, gate=str(gate), job_name=name)
    wait_until(job.running)
    return job


def done_job(provider: RemoteProvider) -> str:
    """The id of a job whose result lies with the server."""
    job = provider.get_backend("gated").run(bell(), shots=10)
    job.wait_for_final_state(timeout=START_SECONDS)
    return job.job_id()


def statuses(events: list[JobEvent]) -> list[JobStatus]:
    """The states that are told."""
    return [event.status for event in events if isinstance(event, StatusChanged | Finished)]


async def all_events(job: RemoteJob) -> list[JobEvent]:
    """What an event loop hears."""
    return [event async for event in job.events()]


def asked_until_over(job: RemoteJob) -> JobStatus:
    """The final state of a job, asked for again and again."""
    while not job.in_final_state():
        time.sleep(0.05)
    return job.status()


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGKILL])
def test_everything_that_waits_survives_a_restart_at_every_moment_of_a_jobs_life(
    tmp_path: Path, gate: Path, threads: ThreadPoolExecutor, signal_number: signal.Signals
) -> None:
    with configured_server(tmp_path / "data", CONFIG) as first:
        provider = RemoteProvider(first.address, timeout_seconds=START_SECONDS)
        command_line = CommandLine(first.address, tmp_path)
        backend = provider.get_backend("gated")
        done = provider.job(done_job(provider))
        running, queued = run_behind(gate, provider), backend.run(bell(), shots=10)
        heard: list[JobStatus] = []
        waits: list[Future[Any]] = [
            threads.submit(running.result),
            threads.submit(asyncio.run, running.result_async()),
            threads.submit(running.wait_for_final_state, None, 5, lambda *c: heard.append(c[1])),
            threads.submit(queued.result),
            threads.submit(asked_until_over, queued),
        ]
        iterated = threads.submit(lambda: list(queued.events()))
        awaited = threads.submit(asyncio.run, all_events(running))
        watch = command_line.started("watch", running.job_id())
        read_until(watch, "RUNNING", stream="stdout")
        fetch = command_line.started("result", queued.job_id())
        read_until(fetch, "QUEUED")
        wait_until(lambda: JobStatus.RUNNING in heard)
        first.process.send_signal(signal_number)
        first.wait()
        late = threads.submit(backend.run, bell(), shots=10)
        of_done = threads.submit(done.result)
    with configured_server(tmp_path / "data", CONFIG, address=first.address), provider:
        gate.touch()
        assert not [error for wait in waits if (error := wait.exception(START_SECONDS))]
        assert of_done.result(START_SECONDS).success
        assert late.result(START_SECONDS).result().success
        for events in (iterated.result(START_SECONDS), awaited.result(START_SECONDS)):
            told = statuses(events)
            assert told[-1] is JobStatus.DONE
            assert all(one is not other for one, other in itertools.pairwise(told))
        assert heard[-1] is JobStatus.DONE
        assert heard.count(JobStatus.DONE) == 1
        outputs = [process.communicate(timeout=START_SECONDS) for process in (watch, fetch)]
        assert [process.returncode for process in (watch, fetch)] == [0, 0], outputs
        assert outputs[0][0].count("DONE") == 1
        assert len(provider.jobs()) == 4


def test_watcher_whose_connection_is_cut_after_every_event_hears_what_another_hears(
    provider: RemoteProvider, undisturbed: RemoteProvider, proxy: Proxy, gate: Path, tmp_path: Path
) -> None:
    backend = undisturbed.get_backend("gated")
    before = [backend.run(bell(), gate=str(tmp_path / f"gate {place}")) for place in range(2)]
    job = backend.run(bell(), shots=10, gate=str(gate))
    steady = undisturbed.job(job.job_id()).events()
    cut = provider.job(job.job_id()).events()
    awaited = provider.job(job.job_id()).events()

    def next_of_all() -> list[JobEvent]:
        told = [next(steady), next(cut), asyncio.run(_next(awaited))]
        proxy.cut()
        return told

    for place, expected in enumerate(
        [StatusChanged(JobStatus.QUEUED), QueuePosition(2), QueuePosition(1)]
    ):
        assert next_of_all() == [expected] * 3
        if place == 1:
            before[0].cancel()
    before[1].cancel()
    for status in (JobStatus.VALIDATING, JobStatus.RUNNING):
        assert next_of_all() == [StatusChanged(status)] * 3
    gate.touch()
    assert next_of_all() == [Finished(JobStatus.DONE)] * 3
    assert list(steady) == list(cut) == []
    # At least twice somebody had to come back: what comes together is told at once.
    assert proxy.accepted >= 3


async def _next(events: Any) -> JobEvent:
    event: JobEvent = await anext(events)
    return event


def test_dead_connection_and_a_sleep_longer_than_keepalive_are_noticed(
    server: ServerProcess,
    provider: RemoteProvider,
    proxy: Proxy,
    gate: Path,
    tmp_path: Path,
    threads: ThreadPoolExecutor,
) -> None:
    job = run_behind(gate, provider)
    result = threads.submit(job.result)
    with proxy_to(server.address) as of_sleeper:
        sleeper = CommandLine(of_sleeper.address, tmp_path).started("watch", job.job_id())
        read_until(sleeper, "RUNNING", stream="stdout")
        sleeper.send_signal(signal.SIGSTOP)
        of_sleeper.refuse()
        begun = time.monotonic()
        proxy.stall(new=False)
        # Whoever asks something is answered long before the dead connection is given up.
        assert job.status() is JobStatus.RUNNING
        assert provider.get_backend("gated").run(bell(), shots=10).job_id()
        asked_seconds = time.monotonic() - begun
        gate.touch()
        assert result.result(START_SECONDS).success
        of_sleeper.allow()
        wait_until(lambda: time.monotonic() > begun + DEAD_SECONDS)
        sleeper.send_signal(signal.SIGCONT)
        output, _ = sleeper.communicate(timeout=START_SECONDS)
    assert sleeper.returncode == 0
    assert "DONE" in output
    # Generous: one attempt of 5 s on the dead connection.
    assert asked_seconds < 20


def stopped(server: ServerProcess) -> Callable[[], object]:
    """Stops a server's process; what lets it go on."""
    os.kill(server.pid, signal.SIGSTOP)
    return lambda: os.kill(server.pid, signal.SIGCONT)


def refused(proxy: Proxy) -> Callable[[], object]:
    """Has connections refused; what allows them."""
    proxy.refuse()
    return proxy.allow


def stalled(proxy: Proxy) -> Callable[[], object]:
    """Has nothing passed on; what resumes it."""
    proxy.stall()
    return proxy.resume


def busy(server: ServerProcess) -> Callable[[], object]:
    """Keeps a server busy from several threads; what ends that."""
    over = threading.Event()

    def list_jobs() -> None:
        with RemoteProvider(server.address) as provider:
            while not over.is_set():
                provider.jobs()

    callers = [threading.Thread(target=list_jobs) for _ in range(8)]
    for caller in callers:
        caller.start()

    def end() -> None:
        over.set()
        for caller in callers:
            caller.join()

    return end


TROUBLES: dict[str, Callable[[ServerProcess, Proxy], Callable[[], object]]] = {
    "away": lambda _server, proxy: refused(proxy),
    "black hole": lambda _server, proxy: stalled(proxy),
    "stopped": lambda server, _proxy: stopped(server),
    "busy": lambda server, _proxy: busy(server),
}


def lateness(wait: Callable[[], object], asked_seconds: float) -> float:
    """How much later than asked a wait ends, in seconds, in the best of some tries."""
    late = []
    for _ in range(TRIES):
        begun = time.monotonic()
        wait()
        late.append(time.monotonic() - begun - asked_seconds)
        if late[-1] < LATE_SECONDS:
            break
    return min(late)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_deadline_of_a_wait_is_honoured(
    trouble: str,
    server: ServerProcess,
    proxy: Proxy,
    provider: RemoteProvider,
    gate: Path,
    capfd: pytest.CaptureFixture[str],
) -> None:
    done = provider.job(done_job(provider))
    job = run_behind(gate, provider)

    def wait(call: Callable[..., object]) -> None:
        with pytest.raises(JobTimeoutError):
            call(timeout=0.5)

    def command(name: str) -> None:
        words = ["--address", proxy.address, name, job.job_id(), "--timeout", "0.5"]
        assert run_command_line(words) != 0

    # What the first call imports is not the wait's.
    command("result")
    end = TROUBLES[trouble](server, proxy)
    try:
        assert lateness(lambda: wait(job.result), 0.5) < LATE_SECONDS
        assert lateness(lambda: wait(job.wait_for_final_state), 0.5) < LATE_SECONDS
        assert lateness(lambda: command("watch"), 0.5) < LATE_SECONDS
        if trouble not in ("busy", "away"):
            assert lateness(lambda: wait(done.result), 0.5) < LATE_SECONDS
    finally:
        end()
    assert job.job_id() in capfd.readouterr().err


def test_run_whose_answer_is_lost_makes_one_job(
    provider: RemoteProvider,
    undisturbed: RemoteProvider,
    proxy: Proxy,
    threads: ThreadPoolExecutor,
    tmp_path: Path,
) -> None:
    backend = provider.get_backend("gated")
    name = tmp_path.name
    proxy.stall("answers")
    accepted = threads.submit(backend.run, bell(), shots=10, job_name=name)
    wait_until(lambda: named(undisturbed, name))
    assert not accepted.done()
    proxy.cut()
    proxy.resume()
    job = accepted.result(START_SECONDS)
    assert named(undisturbed, name) == [job.job_id()]
    assert job.result(timeout=START_SECONDS).success


def named(provider: RemoteProvider, name: str) -> list[str]:
    """The ids of the latest jobs that have this name."""
    return [job.job_id() for job in provider.jobs(limit=10) if job.name() == name]


def test_interrupted_run_says_that_the_job_may_have_been_accepted(
    provider: RemoteProvider, undisturbed: RemoteProvider, proxy: Proxy, tmp_path: Path
) -> None:
    backend = provider.get_backend("gated")
    name = tmp_path.name
    proxy.stall("answers")

    def interrupt() -> None:
        wait_until(lambda: named(undisturbed, name))
        os.kill(os.getpid(), signal.SIGINT)

    interrupter = threading.Thread(target=interrupt)
    interrupter.start()
    with pytest.raises(KeyboardInterrupt) as caught:
        backend.run(bell(), shots=10, job_name=name)
    interrupter.join()
    assert "may have accepted the job" in caught.value.__notes__[0]
    (job_id,) = named(undisturbed, name)
    assert undisturbed.job(job_id).result(timeout=START_SECONDS).success


def test_server_that_stays_away_is_told_with_the_job_which_another_process_finds(
    server: ServerProcess,
    proxy: Proxy,
    gate: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with RemoteProvider(proxy.address, timeout_seconds=1) as provider:
        job = run_behind(gate, provider)
        proxy.refuse()
        monkeypatch.setattr(job_stream, "RESUME_SECONDS", 0.5)
        for call in (job.result, job.status, job.cancel, lambda: list(job.events())):
            with pytest.raises(ServerUnreachableError, match=rf"{job.job_id()} is kept there"):
                call()
        proxy.allow()
        # The same object goes on.
        assert job.status() is JobStatus.RUNNING
    gate.touch()
    document = CommandLine(server.address, tmp_path).json("result", job.job_id())
    assert json.dumps(document).count(job.job_id())


def test_outage_is_logged_once_for_all_that_wait(
    provider: RemoteProvider,
    proxy: Proxy,
    gate: Path,
    threads: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO, "longwire")
    job = run_behind(gate, provider)
    others = [provider.job(job.job_id()) for _ in range(3)]
    waits = [threads.submit(one.result) for one in (job, *others)]
    proxy.refuse()
    wait_until(lambda: caplog.records)
    proxy.allow()
    wait_until(lambda: len(caplog.records) > 1)
    gate.touch()
    assert all(wait.result(START_SECONDS).success for wait in waits)
    away, back = [record for record in caplog.records if record.name == "longwire"]
    assert (away.levelno, back.levelno) == (logging.WARNING, logging.INFO)
    assert proxy.address in away.getMessage()
    assert recorded(proxy.address, job.job_id()).job_id in job.job_id()

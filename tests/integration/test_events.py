"""What a job tells of itself, to ``for`` and to ``async for``."""

from __future__ import annotations

import asyncio
import contextlib
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, TypeVar

import pytest
import scripted_jobs as scripted
from circuits import bell
from qiskit import QuantumCircuit
from qiskit.providers import JobStatus
from scripted_jobs import BREAK, STAY, ScriptedJobs
from server_process import START_SECONDS, ServerProcess, configured_server, wait_until

from longwire import RemoteBackend, RemoteJob, RemoteProvider
from longwire.errors import JobNotFoundError
from longwire.events import Finished, JobEvent, Progress, QueuePosition, StatusChanged

T = TypeVar("T")
Collect = Callable[[Any], list[Any]]


def collect_async(items: AsyncIterator[T]) -> list[T]:
    """All that ``async for`` gives."""

    async def main() -> list[T]:
        return [item async for item in items]

    return asyncio.run(main())


@pytest.fixture(params=["for", "async for"])
def collect(request: pytest.FixtureRequest) -> Collect:
    """All that an iterator gives, with ``for`` and with ``async for``."""
    return list if request.param == "for" else collect_async


@contextlib.contextmanager
def scripted_job(jobs: ScriptedJobs) -> Iterator[Any]:
    """The job of a scripted server."""
    with scripted.serving(jobs) as address, RemoteProvider(address) as provider:
        yield provider.job(scripted.JOB_ID)


def run_behind(gate: Path, gated: RemoteBackend) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def statuses(events: Iterable[JobEvent]) -> list[JobStatus]:
    """The states that are told."""
    return [event.status for event in events if isinstance(event, StatusChanged | Finished)]


def awaiting_threads() -> list[threading.Thread]:
    """The threads in which something is awaited."""
    return [thread for thread in threading.enumerate() if thread.name == "longwire-await"]


def test_events_begin_with_the_present_state_and_end_with_the_final_one(
    gated: RemoteBackend, gate: Path, collect: Collect
) -> None:
    job = run_behind(gate, gated)
    events = job.events()
    first = next(events)
    gate.touch()
    assert first == StatusChanged(JobStatus.RUNNING)
    assert collect(events) == [Finished(JobStatus.DONE)]


def test_events_tell_each_place_in_the_queue_and_every_state(
    gated: RemoteBackend, gate: Path, collect: Collect
) -> None:
    run_behind(gate, gated)
    before, job = gated.run(bell(), shots=10), gated.run(bell(), shots=10)
    events = job.events()
    assert [next(events), next(events)] == [StatusChanged(JobStatus.QUEUED), QueuePosition(2)]
    assert before.cancel()
    assert next(events) == QueuePosition(1)
    gate.touch()
    rest = collect(events)
    assert statuses(rest) == [JobStatus.VALIDATING, JobStatus.RUNNING, JobStatus.DONE]
    assert all(event.time is not None for event in rest if not isinstance(event, Progress))


def test_events_of_a_job_that_has_ended_are_its_end_without_a_call(
    server_address: str, collect: Collect
) -> None:
    with RemoteProvider(server_address) as provider:
        job = provider.get_backend("aer_simulator").run(bell(), shots=10)
        job.wait_for_final_state()
    assert collect(job.events()) == [Finished(JobStatus.DONE)]


def test_events_bring_the_job_up_to_date_with_its_result(
    one_worker_server: ServerProcess, gate: Path
) -> None:
    with RemoteProvider(one_worker_server.address) as provider:
        job = run_behind(gate, provider.get_backend("gated"))
        events = job.events()
        next(events)
        gate.touch()
        assert list(events) == [Finished(JobStatus.DONE)]
    assert job.status() is JobStatus.DONE
    assert job.result().success


def test_events_of_a_failed_job_end_with_the_reason(aer: RemoteBackend, collect: Collect) -> None:
    circuit = QuantumCircuit(1, name="the culprit")
    circuit.t(0)
    circuit.measure_all()
    job = aer.run(circuit, method="stabilizer")
    last = collect(job.events())[-1]
    assert last.status is JobStatus.ERROR
    assert last.error_message == job.error_message()
    assert "the culprit" in last.error_message


def test_events_of_a_job_that_another_cancels_end(
    gated: RemoteBackend, gate: Path, collect: Collect
) -> None:
    job = run_behind(gate, gated)
    events = job.events()
    next(events)
    with RemoteProvider(gated.provider().address) as other:
        assert other.job(job.job_id()).cancel()
    assert collect(events) == [Finished(JobStatus.CANCELLED)]


def test_events_of_a_deleted_job_raise(gated: RemoteBackend, gate: Path, collect: Collect) -> None:
    job = run_behind(gate, gated)
    with RemoteProvider(gated.provider().address) as other:
        same = other.job(job.job_id())
        assert same.cancel()
        same.delete()
    with pytest.raises(JobNotFoundError):
        collect(job.events())


RESTARTED = """
[[pool]]
name = "default"
processes = 1

[[backend]]
name = "gated"
factory = "gated_backend:GatedBackend"
"""


def restartable(tmp_path: Path, address: str) -> AbstractContextManager[ServerProcess]:
    """A server that finds what the one before it has left."""
    return configured_server(tmp_path / "data", RESTARTED, address=address)


def test_events_go_on_when_the_server_restarts(
    tmp_path: Path, gate: Path, collect: Collect
) -> None:
    with restartable(tmp_path, "localhost:0") as first:
        provider = RemoteProvider(first.address)
        backend = provider.get_backend("gated")
        held, waiting = run_behind(gate, backend), backend.run(bell(), shots=10)
        of_held, of_waiting = held.events(), waiting.events()
        next(of_held)
        assert [next(of_waiting), next(of_waiting)] == [
            StatusChanged(JobStatus.QUEUED),
            QueuePosition(1),
        ]
        first.kill()
    gate.touch()
    with restartable(tmp_path, first.address), provider:
        assert statuses(collect(of_held)) == [JobStatus.ERROR]
        assert statuses(collect(of_waiting))[-1] is JobStatus.DONE
        assert waiting.result().success


def test_events_after_a_break_resume_behind_the_last_change(collect: Collect) -> None:
    jobs = ScriptedJobs(
        scripted.job("QUEUED", 1, queue_position=3),
        [scripted.queued(3), scripted.moved("VALIDATING", 2), BREAK],
        [scripted.moved("RUNNING", 3), scripted.progressed(1, 4), BREAK],
        [scripted.progressed(1, 4), scripted.progressed(3, 4), scripted.finished()],
    )
    with scripted_job(jobs) as job:
        assert collect(job.events()) == [
            StatusChanged(JobStatus.QUEUED),
            QueuePosition(3),
            StatusChanged(JobStatus.VALIDATING),
            StatusChanged(JobStatus.RUNNING),
            Progress(1, 4),
            Progress(3, 4),
            Finished(JobStatus.DONE),
        ]
    assert [request.resume_after for request in jobs.requests] == [1, 2, 3]
    assert not any(request.pub_results for request in jobs.requests)


def test_events_of_a_running_job_begin_with_its_progress(collect: Collect) -> None:
    record = scripted.job(progress={"finished": 2, "total": 5})
    jobs = ScriptedJobs(record, [scripted.progressed(2, 5), scripted.finished("CANCELLED")])
    with scripted_job(jobs) as job:
        assert job.progress() == Progress(2, 5)
        assert collect(job.events()) == [
            StatusChanged(JobStatus.RUNNING),
            Progress(2, 5),
            Finished(JobStatus.CANCELLED),
        ]
        assert job.progress() is None


def test_leaving_the_loop_ends_the_call() -> None:
    jobs = ScriptedJobs(scripted.job(), [scripted.progressed(1, 2), STAY])
    with scripted_job(jobs) as job:
        for event in job.events():
            if event == Progress(1, 2):
                break
        assert jobs.ended.wait(START_SECONDS)


def test_leaving_the_asynchronous_loop_ends_the_call() -> None:
    jobs = ScriptedJobs(scripted.job(), [scripted.progressed(1, 2), STAY])

    async def main(job: Any) -> None:
        async for event in job.events():
            if event == Progress(1, 2):
                break
        assert await asyncio.to_thread(jobs.ended.wait, START_SECONDS)

    with scripted_job(jobs) as job:
        asyncio.run(main(job))


@pytest.mark.parametrize("is_entered", [True, False], ids=["end of with", "close"])
def test_events_that_are_closed_give_no_more_and_end_their_call(is_entered: bool) -> None:
    jobs = ScriptedJobs(scripted.job(), [scripted.progressed(1, 2), STAY])
    with scripted_job(jobs) as job:
        events = job.events()
        if is_entered:
            with events as entered:
                assert [next(entered), next(entered)]
        else:
            assert [next(events), next(events)]
            events.close()
        assert jobs.ended.wait(START_SECONDS)
        assert list(events) == []


def test_closing_events_ends_the_loop_of_another_thread() -> None:
    jobs = ScriptedJobs(scripted.job(), [STAY])
    heard: list[JobEvent] = []
    with scripted_job(jobs) as job:
        events = job.events()
        reader = threading.Thread(target=lambda: heard.extend(events))
        reader.start()
        assert jobs.waiting.wait(START_SECONDS)
        events.close()
        reader.join(START_SECONDS)
        assert not reader.is_alive()
        assert jobs.ended.wait(START_SECONDS)
    assert heard == [StatusChanged(JobStatus.RUNNING)]


def test_closing_events_ends_the_loop_of_another_task() -> None:
    jobs = ScriptedJobs(scripted.job(), [STAY])

    async def main(job: Any) -> list[JobEvent]:
        async with job.events() as events:

            async def collect_all() -> list[JobEvent]:
                return [event async for event in events]

            reading = asyncio.create_task(collect_all())
            assert await asyncio.to_thread(jobs.waiting.wait, START_SECONDS)
            await events.aclose()
            return await reading

    with scripted_job(jobs) as job:
        assert asyncio.run(main(job)) == [StatusChanged(JobStatus.RUNNING)]
        assert jobs.ended.wait(START_SECONDS)


def test_cancelling_a_task_that_waits_for_an_event_ends_its_call_and_its_thread() -> None:
    jobs = ScriptedJobs(scripted.job(), [STAY])

    async def main(job: Any) -> None:
        events = job.events()
        await anext(events)
        waiting = asyncio.ensure_future(anext(events))
        assert await asyncio.to_thread(jobs.waiting.wait, START_SECONDS)
        assert awaiting_threads()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert await asyncio.to_thread(jobs.ended.wait, START_SECONDS)

    with scripted_job(jobs) as job:
        asyncio.run(main(job))
        wait_until(lambda: not awaiting_threads())


def test_event_that_was_not_waited_for_long_enough_comes_with_the_next_wait() -> None:
    told = threading.Event()
    jobs = ScriptedJobs(
        scripted.job(),
        [STAY],
        [lambda: told.wait(START_SECONDS), scripted.progressed(1, 2), scripted.finished()],
    )

    async def main(job: Any) -> list[JobEvent]:
        events = job.events()
        assert await anext(events) == StatusChanged(JobStatus.RUNNING)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(anext(events), 0.05)
        told.set()
        return [event async for event in events]

    with scripted_job(jobs) as job:
        assert asyncio.run(main(job)) == [Progress(1, 2), Finished(JobStatus.DONE)]


def test_two_iterations_of_one_job_both_hear_everything(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)
    first, second = job.events(), job.events()
    assert next(first) == next(second) == StatusChanged(JobStatus.RUNNING)
    gate.touch()
    assert list(first) == list(second) == [Finished(JobStatus.DONE)]


LEAVE_IN_THE_MIDDLE = """
import sys, threading
from longwire import RemoteProvider
job = RemoteProvider(sys.argv[1]).job(sys.argv[2])
begun = threading.Event()
def follow():
    for event in job.events():
        begun.set()
threading.Thread(target=follow, daemon=True).start()
threading.Thread(target=job.result, daemon=True).start()
begun.wait()
"""


def test_process_that_ends_while_daemon_threads_wait_is_silent(
    gated: RemoteBackend, gate: Path
) -> None:
    job = run_behind(gate, gated)
    arguments = [gated.provider().address, job.job_id()]
    done = subprocess.run(
        [sys.executable, "-c", LEAVE_IN_THE_MIDDLE, *arguments],
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")

"""Jobs awaited in a running event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import scripted_jobs as scripted
from circuits import asymmetric, bell
from qiskit.providers import JobStatus
from scripted_jobs import STAY, ScriptedJobs
from server_process import START_SECONDS, wait_until

from longwire import RemoteBackend, RemoteJob, RemoteProvider
from longwire.errors import JobCancelledError, JobFailedError, JobTimeoutError


def run_behind(gate: Path, gated: RemoteBackend) -> RemoteJob:
    """A job that runs until the gate opens."""
    job = gated.run(bell(), shots=10, gate=str(gate))
    wait_until(job.running)
    return job


def awaiting_threads() -> list[threading.Thread]:
    """The threads in which something is awaited."""
    return [thread for thread in threading.enumerate() if thread.name == "longwire-await"]


async def until(condition: Callable[[], object]) -> None:
    """Waits until a callable returns something true, and lets the loop go on."""
    async with asyncio.timeout(START_SECONDS):
        while not condition():  # noqa: ASYNC110 - no event tells it
            await asyncio.sleep(0.01)


def test_awaited_result_is_the_result(aer: RemoteBackend) -> None:
    job = aer.run(asymmetric(), shots=100, seed_simulator=3)
    result = asyncio.run(job.result_async())
    assert job.result() is result
    assert asyncio.run(job.result_async()) is result
    expected = aer.run(asymmetric(), shots=100, seed_simulator=3).result()
    assert result.get_counts() == expected.get_counts()


def test_loop_goes_on_while_a_result_is_awaited(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)

    open_gate = gate.touch

    async def main() -> None:
        waiting = asyncio.create_task(job.result_async())
        for _ in range(100):
            await asyncio.sleep(0)
        assert not waiting.done()
        open_gate()
        assert (await waiting).success

    asyncio.run(main())


def test_hundreds_of_jobs_are_awaited_at_once(gated: RemoteBackend, gate: Path) -> None:
    run_behind(gate, gated)
    with RemoteProvider(gated.provider().address) as provider:
        aer = provider.get_backend("aer_simulator")
        jobs = [aer.run(bell(), shots=shots) for shots in range(1, 301)]

        async def main() -> list[Any]:
            # Whatever else is done in the loop's executor finds its only thread free.
            asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
            waiting = asyncio.gather(*(job.result_async() for job in jobs))
            await until(lambda: len(awaiting_threads()) == len(jobs))
            await asyncio.to_thread(gate.touch)
            return await waiting

        results = asyncio.run(main())
    assert [sum(result.get_counts().values()) for result in results] == list(range(1, 301))
    wait_until(lambda: not awaiting_threads())


def test_cancelled_wait_leaves_no_thread_and_the_job_goes_on(
    gated: RemoteBackend, gate: Path
) -> None:
    job = run_behind(gate, gated)

    open_gate = gate.touch

    async def main() -> None:
        waiting = asyncio.create_task(job.result_async())
        await until(awaiting_threads)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        await until(lambda: not awaiting_threads())
        # Without a call to the server the wait can be begun again.
        again = asyncio.create_task(job.result_async())
        open_gate()
        assert (await again).success

    asyncio.run(main())


def test_cancelled_wait_ends_its_call() -> None:
    jobs = ScriptedJobs(scripted.job(kind=0), [STAY])

    async def main(job: RemoteJob) -> None:
        waiting = asyncio.create_task(job.result_async())
        assert await asyncio.to_thread(jobs.waiting.wait, START_SECONDS)
        waiting.cancel()
        assert await asyncio.to_thread(jobs.ended.wait, START_SECONDS)

    with scripted.serving(jobs) as address, RemoteProvider(address) as provider:
        asyncio.run(main(provider.job(scripted.JOB_ID)))  # type: ignore[arg-type]


def test_wait_with_asyncios_time_limit_can_be_begun_again(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)

    open_gate = gate.touch

    async def main() -> Any:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(job.result_async(), 0.05)
        open_gate()
        return await job.result_async()

    assert asyncio.run(main()).success


def test_wait_with_a_limit_of_its_own_ends_as_the_synchronous_one(
    gated: RemoteBackend, gate: Path
) -> None:
    job = run_behind(gate, gated)
    with pytest.raises(JobTimeoutError, match=r"0\.05"):
        asyncio.run(job.result_async(timeout=0.05))
    assert job.running()


def test_awaited_job_that_has_no_result_raises_why(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)
    failing = gated.run(bell(), shots=10, gate=3)

    async def main() -> None:
        waiting = asyncio.create_task(job.result_async())
        await until(awaiting_threads)
        assert await asyncio.to_thread(job.cancel)
        with pytest.raises(JobCancelledError, match=job.job_id()):
            await waiting
        with pytest.raises(JobFailedError):
            await failing.result_async()

    asyncio.run(main())


def test_two_tasks_and_a_thread_await_one_job_and_one_of_them_gives_up(
    gated: RemoteBackend, gate: Path
) -> None:
    job = run_behind(gate, gated)

    open_gate = gate.touch

    async def main() -> list[Any]:
        tasks = [asyncio.create_task(job.result_async()) for _ in range(3)]
        thread = asyncio.create_task(asyncio.to_thread(job.result))
        await until(lambda: len(awaiting_threads()) == 3)
        # Whichever of them reads the events for all.
        tasks[0].cancel()
        tasks[1].cancel()
        await until(lambda: len(awaiting_threads()) == 1)
        open_gate()
        return await asyncio.gather(tasks[2], thread)

    first, second = asyncio.run(main())
    assert first is second


def test_loop_that_ends_while_a_job_is_awaited_ends_the_wait(
    gated: RemoteBackend, gate: Path
) -> None:
    job = run_behind(gate, gated)

    async def main() -> asyncio.Task[Any]:
        task = asyncio.create_task(job.result_async())
        await until(awaiting_threads)
        return task

    # asyncio.run cancels what is left.
    assert asyncio.run(main()).cancelled()
    wait_until(lambda: not awaiting_threads())
    assert job.status() is JobStatus.RUNNING


def test_job_is_awaited_in_one_loop_after_another(gated: RemoteBackend, gate: Path) -> None:
    job = run_behind(gate, gated)

    def main() -> Coroutine[Any, Any, Any]:
        return job.result_async(timeout=0.05)

    for _ in range(2):
        with pytest.raises(JobTimeoutError):
            asyncio.run(main())
    gate.touch()
    assert asyncio.run(job.result_async()).success

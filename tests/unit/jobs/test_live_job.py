"""The events of an unfinished job, as watchers get them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs import live_job
from longwire_server.jobs.live_job import LiveJob
from longwire_server.store.job import Job

QUEUED, VALIDATING = JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_VALIDATING
RUNNING, DONE = JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_DONE
LIMIT_SECONDS = 30


def make_job() -> Job:
    return Job(
        job_id="0" * 32,
        tenant="physics",
        request_id="",
        spec_digest=b"",
        backend_name="aer_simulator",
        name="",
        tags=(),
        state=QUEUED,
        sequence=1,
        attempt=0,
        create_time_us=1,
    )


def run(body: Callable[[LiveJob], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            await body(LiveJob(make_job(), b""))

    asyncio.run(main())


async def collect(live: LiveJob, after: int) -> list[JobEvent]:
    return [event async for batch in live.events(after) for event in batch]


def states(events: list[JobEvent]) -> list[int]:
    return [
        event.finished.job.status.status
        if event.HasField("finished")
        else event.status_changed.status
        for event in events
    ]


def finish(live: LiveJob) -> None:
    live.move(2, state=VALIDATING)
    live.move(3, state=RUNNING)
    live.finish(live.evolved(state=DONE, end_time_us=4), EncodedResult(data=b"r"))


def test_watcher_sees_every_change_once_and_in_order() -> None:
    async def body(live: LiveJob) -> None:
        watching = asyncio.create_task(collect(live, 0))
        await asyncio.sleep(0)
        finish(live)
        events = await watching
        assert states(events) == [QUEUED, VALIDATING, RUNNING, DONE]
        assert [event.sequence for event in events] == [1, 2, 3, 4]
        assert events[-1].finished.result.data == b"r"

    run(body)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_watcher_resumes_behind_what_it_saw(after: int) -> None:
    async def body(live: LiveJob) -> None:
        finish(live)
        events = await collect(live, after)
        assert [event.sequence for event in events] == list(range(after + 1, 5))

    run(body)


def test_changes_of_a_short_job_travel_together() -> None:
    async def body(live: LiveJob) -> None:
        batches = live.events(1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        finish(live)
        assert len(await waiting) == 3

    run(body)


def test_change_of_a_long_job_is_told_without_its_end() -> None:
    async def body(live: LiveJob) -> None:
        batches = live.events(1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        live.move(2, state=VALIDATING)
        assert states(await waiting) == [VALIDATING]

    run(body)


def test_queue_position_is_told_with_the_sequence_of_the_state() -> None:
    async def body(live: LiveJob) -> None:
        batches = live.events(1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        live.set_queue_position(7)
        (event,) = await waiting
        assert (event.queue_position, event.sequence) == (7, 1)

    run(body)


def test_position_that_changes_while_the_watcher_is_busy_is_told() -> None:
    async def body(live: LiveJob) -> None:
        live.set_queue_position(2)
        batches = live.events(1)
        (first,) = await anext(batches)
        live.set_queue_position(1)
        (second,) = await anext(batches)
        assert (first.queue_position, second.queue_position) == (2, 1)

    run(body)


def test_silent_job_sends_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_job, "HEARTBEAT_SECONDS", 0.01)

    async def body(live: LiveJob) -> None:
        (event,) = await anext(live.events(1))
        assert event.HasField("heartbeat")
        assert event.sequence == 1

    run(body)


def test_heartbeat_passes_over_no_change_that_is_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(live_job, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(live_job, "_HOLD_SECONDS", 0.2)

    async def body(live: LiveJob) -> None:
        live.move(2, state=VALIDATING)
        heard: list[JobEvent] = []
        async for batch in live.events(1):
            heard += batch
            if batch[-1].HasField("status_changed"):
                break
        assert heard[0].HasField("heartbeat")
        assert {event.sequence for event in heard[:-1]} == {1}
        assert states(heard[-1:]) == [VALIDATING]

    run(body)


def test_closed_job_ends_its_watches_without_a_final_event() -> None:
    async def body(live: LiveJob) -> None:
        watching = asyncio.create_task(collect(live, 1))
        await asyncio.sleep(0)
        live.close()
        assert await watching == []

    run(body)


def test_watcher_that_goes_away_leaves_nothing_behind() -> None:
    async def body(live: LiveJob) -> None:
        batches: AsyncIterator[list[JobEvent]] = live.events(1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        assert live._waiters == []

    run(body)


def test_illegal_move_is_refused() -> None:
    async def body(live: LiveJob) -> None:
        with pytest.raises(ValueError, match="from QUEUED to DONE"):
            live.evolved(state=DONE)

    run(body)

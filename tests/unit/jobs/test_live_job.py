"""The events of an unfinished job, as watchers get them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobState
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs import job_watch, live_job, partial_results
from longwire_server.jobs.job_watch import JobWatch
from longwire_server.jobs.live_job import LiveJob
from longwire_server.store.job import Job

QUEUED, VALIDATING = JobState.JOB_STATE_QUEUED, JobState.JOB_STATE_VALIDATING
RUNNING, DONE = JobState.JOB_STATE_RUNNING, JobState.JOB_STATE_DONE
ERROR = JobState.JOB_STATE_ERROR
LIMIT_SECONDS = 30

Batches = AsyncIterator[list[JobEvent]]


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


def events(live: LiveJob, after: int, *, pub_results: bool = False) -> Batches:
    return JobWatch(live, after, pub_results=pub_results).events()


async def collect(live: LiveJob, after: int) -> list[JobEvent]:
    return [event async for batch in events(live, after) for event in batch]


def states(events: list[JobEvent]) -> list[int]:
    return [
        event.finished.job.status.status
        if event.HasField("finished")
        else event.status_changed.status
        for event in events
    ]


def finish(live: LiveJob) -> None:
    live.begin_attempt(lease_owner="a", lease_expires_us=9, inline_result_bytes=100)
    live.running()
    live.finish(live.evolved(state=DONE, end_time_us=4), EncodedResult(data=b"r"))


def test_watcher_sees_every_change_once_and_in_order() -> None:
    async def body(live: LiveJob) -> None:
        watching = asyncio.create_task(collect(live, 0))
        await asyncio.sleep(0)
        finish(live)
        heard = await watching
        assert states(heard) == [QUEUED, VALIDATING, RUNNING, DONE]
        assert [event.sequence for event in heard] == [1, 2, 3, 4]
        assert heard[-1].finished.result.data == b"r"

    run(body)


@pytest.mark.parametrize("after", [1, 2, 3])
def test_watcher_resumes_behind_what_it_saw(after: int) -> None:
    async def body(live: LiveJob) -> None:
        finish(live)
        heard = await collect(live, after)
        assert [event.sequence for event in heard] == list(range(after + 1, 5))

    run(body)


def test_changes_of_a_short_job_travel_together() -> None:
    async def body(live: LiveJob) -> None:
        batches = events(live, 1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        finish(live)
        assert len(await waiting) == 3

    run(body)


def test_change_of_a_long_job_is_told_without_its_end() -> None:
    async def body(live: LiveJob) -> None:
        batches = events(live, 1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        live.move(2, state=VALIDATING)
        assert states(await waiting) == [VALIDATING]

    run(body)


def test_queue_position_is_told_with_the_sequence_of_the_state() -> None:
    async def body(live: LiveJob) -> None:
        batches = events(live, 1)
        waiting = asyncio.ensure_future(anext(batches))
        await asyncio.sleep(0)
        live.set_queue_position(7)
        (event,) = await waiting
        assert (event.queue_position, event.sequence) == (7, 1)

    run(body)


def test_position_that_changes_while_the_watcher_is_busy_is_told() -> None:
    async def body(live: LiveJob) -> None:
        live.set_queue_position(2)
        batches = events(live, 1)
        (first,) = await anext(batches)
        live.set_queue_position(1)
        (second,) = await anext(batches)
        assert (first.queue_position, second.queue_position) == (2, 1)

    run(body)


def test_silent_job_sends_heartbeats(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(job_watch, "HEARTBEAT_SECONDS", 0.01)

    async def body(live: LiveJob) -> None:
        (event,) = await anext(events(live, 1))
        assert event.HasField("heartbeat")
        assert event.sequence == 1

    run(body)


def test_heartbeat_passes_over_no_change_that_is_held_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(job_watch, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(live_job, "_HOLD_SECONDS", 0.2)

    async def body(live: LiveJob) -> None:
        live.move(2, state=VALIDATING)
        heard: list[JobEvent] = []
        async for batch in events(live, 1):
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
        batches = events(live, 1)
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


def pub_result(size: int = 3) -> bytes:
    return EncodedResult(data=b"p" * size).SerializeToString()


def running(live: LiveJob, *, inline_result_bytes: int = 100) -> None:
    live.begin_attempt(lease_owner="a", lease_expires_us=9, inline_result_bytes=inline_result_bytes)
    live.running()


def end(live: LiveJob) -> None:
    live.finish(live.evolved(state=DONE, end_time_us=4), EncodedResult(data=b"r"))


def kinds(heard: list[JobEvent]) -> list[str | None]:
    return [event.WhichOneof("event") for event in heard]


async def hear(batches: Batches, kind: str, times: int = 1) -> list[JobEvent]:
    """What is told until events of a kind were told so many times."""
    heard: list[JobEvent] = []
    while kinds(heard).count(kind) < times:
        heard += await anext(batches)
    return heard


def test_progress_is_told_with_the_sequence_of_the_state() -> None:
    async def body(live: LiveJob) -> None:
        batches = events(live, 1)
        running(live)
        live.progress(1, 4)
        event = (await hear(batches, "progress"))[-1]
        assert (event.progress.finished, event.progress.total, event.sequence) == (1, 4, 3)

    run(body)


@pytest.mark.parametrize("state", [DONE, ERROR])
def test_progress_that_comes_fast_is_told_now_and_then_and_at_the_end(
    state: JobState.ValueType,
) -> None:
    total = 10**9

    async def body(live: LiveJob) -> None:
        watching = asyncio.create_task(collect(live, 0))
        running(live)
        loop = asyncio.get_running_loop()
        begin, finished = loop.time(), 0
        while loop.time() < begin + 0.6 or live.told_progress is None:
            finished += 1
            live.progress(finished, total)
            await asyncio.sleep(0)
        most = 3 + int((loop.time() - begin) / 0.25)
        live.finish(live.evolved(state=state), None)
        heard = await watching
        told = [event.progress.finished for event in heard if event.HasField("progress")]
        assert told == sorted(set(told))
        # Four a second, and the last.
        assert 2 <= len(told) <= most < finished
        # What is done is finished, also where no worker said so.
        assert told[-1] == (total if state == DONE else finished)
        assert kinds(heard)[-2:] == ["progress", "finished"]
        assert [event.sequence for event in heard[-2:]] == [3, 4]

    run(body)


def test_progress_of_a_short_job_is_not_told() -> None:
    async def body(live: LiveJob) -> None:
        watching = asyncio.create_task(collect(live, 0))
        running(live)
        live.progress(1, 1)
        end(live)
        assert "progress" not in kinds(await watching)

    run(body)


def test_new_watcher_hears_the_present_progress_at_once() -> None:
    async def body(live: LiveJob) -> None:
        running(live)
        live.progress(3, 4)
        await hear(events(live, 0), "progress")
        (batch,) = [await anext(events(live, 0))]
        assert batch[-1].progress.finished == 3

    run(body)


def test_pubs_are_told_from_the_first_on_to_those_that_ask() -> None:
    async def body(live: LiveJob) -> None:
        early, other = events(live, 0, pub_results=True), events(live, 0)
        running(live)
        live.pub_finished(pub_result(1))
        first = await hear(early, "pub_finished")
        live.pub_finished(pub_result(2))
        late = events(live, 3, pub_results=True)
        end(live)
        first += [event async for batch in early for event in batch]
        # What the late one has missed is told before the job's end, too.
        second = [event async for batch in late for event in batch]
        for heard in (first, second):
            pubs = [event.pub_finished for event in heard if event.HasField("pub_finished")]
            assert [(pub.pub_index, pub.attempt) for pub in pubs] == [(0, 1), (1, 1)]
            assert [len(pub.result.data) for pub in pubs] == [1, 2]
            assert kinds(heard)[-2:] == ["pub_finished", "finished"]
            assert {event.sequence for event in heard if event.HasField("pub_finished")} == {3}
        assert kinds([event async for batch in other for event in batch]) == [
            *("status_changed",) * 3,
            "finished",
        ]

    run(body)


def test_watcher_that_is_slow_misses_no_pub() -> None:
    async def body(live: LiveJob) -> None:
        batches = events(live, 0, pub_results=True)
        running(live)
        heard: list[JobEvent] = []
        for _ in range(3):
            for _ in range(4):
                live.pub_finished(pub_result())
            heard += await hear(batches, "pub_finished")
        end(live)
        heard += [event async for batch in batches for event in batch]
        indices = [e.pub_finished.pub_index for e in heard if e.HasField("pub_finished")]
        assert indices == list(range(12))

    run(body)


def test_message_with_pubs_is_no_larger_than_an_inline_result() -> None:
    async def body(live: LiveJob) -> None:
        running(live)
        for _ in range(10):
            live.pub_finished(pub_result(40))
        end(live)
        batches = [batch async for batch in events(live, 3, pub_results=True)]
        assert [len(batch) for batch in batches] == [2, 2, 2, 2, 2, 1]
        assert kinds(batches[-1]) == ["finished"]

    run(body)


def test_pub_larger_than_an_inline_result_is_told_without_it() -> None:
    async def body(live: LiveJob) -> None:
        running(live)
        live.pub_finished(pub_result(200))
        live.pub_finished(pub_result(50))
        heard = await hear(events(live, 3, pub_results=True), "pub_finished", 2)
        assert [event.pub_finished.HasField("result") for event in heard] == [False, True]

    run(body)


def test_pubs_beyond_what_is_kept_are_told_without_their_result(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(partial_results, "_KEPT_BYTES", 100)

    async def body(live: LiveJob) -> None:
        running(live)
        for size in (60, 60, 10):
            live.pub_finished(pub_result(size))
        heard = await hear(events(live, 3, pub_results=True), "pub_finished", 3)
        results = [event.pub_finished.HasField("result") for event in heard]
        assert results == [True, False, True]

    run(body)


def test_next_attempt_begins_with_the_first_pub() -> None:
    async def body(live: LiveJob) -> None:
        batches = events(live, 0, pub_results=True)
        running(live)
        live.progress(1, 2)
        live.pub_finished(pub_result())
        await hear(batches, "progress")
        live.move(5, state=QUEUED)
        running(live)
        assert live.partial.progress is None
        live.pub_finished(pub_result())
        heard = await hear(batches, "pub_finished")
        assert kinds(heard) == [*("status_changed",) * 3, "pub_finished"]
        assert (heard[-1].pub_finished.pub_index, heard[-1].pub_finished.attempt) == (0, 2)
        live.progress(1, 2)
        assert kinds(await hear(batches, "progress")) == ["progress"]

    run(body)


def test_wait_for_the_end_returns_with_it() -> None:
    async def body(live: LiveJob) -> None:
        waiting = asyncio.create_task(live.ended())
        await asyncio.sleep(0)
        running(live)
        live.progress(1, 2)
        await hear(events(live, 0), "progress")
        assert not waiting.done()
        end(live)
        await waiting

    run(body)


def test_labels_changed_while_the_end_is_written_are_told_with_it() -> None:
    async def body(live: LiveJob) -> None:
        live.begin_attempt(lease_owner="a", lease_expires_us=9, inline_result_bytes=100)
        final = live.evolved(state=DONE, end_time_us=4)
        live.relabel(live.job.evolve(name="new", tags=("a",)))
        live.finish(final, None)
        told = (await collect(live, 0))[-1].finished.job
        assert (told.name, list(told.tags)) == ("new", ["a"])

    run(body)


def test_labels_changed_while_a_lost_attempt_is_written_stay() -> None:
    async def body(live: LiveJob) -> None:
        live.begin_attempt(lease_owner="a", lease_expires_us=9, inline_result_bytes=100)
        back = live.evolved(state=QUEUED, lease_owner="", lease_expires_us=None)
        live.relabel(live.job.evolve(name="new", tags=("a",)))
        live.lose_attempt(back)
        assert live.job == back.evolve(name="new", tags=("a",))

    run(body)

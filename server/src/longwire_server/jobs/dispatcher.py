"""The queue: which job gets the next idle worker."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping
from typing import cast

from longwire_server.execution.executor import Executor, Worker
from longwire_server.failpoints import failpoint
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.job_helpers import PoolHelpers
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.pool import Pool, Waiting, session_line
from longwire_server.jobs.queue_positions import QueuePositions
from longwire_server.jobs.run_times import RunTimes
from longwire_server.jobs.session import Session
from longwire_server.jobs.session_workers import SessionWorkers
from longwire_server.jobs.tenant_queue import Place

# Up to so many places, one is found by walking along the queue.
_WALKED = 256
# With more tenants in a queue, a job's place is the one that was told last.
_COUNTED_TENANTS = 8

Attempt = Callable[[LiveJob, Worker], Awaitable[None]]


def _equal_weights(_tenant: str) -> float:
    return 1.0


def _ignore_session_end(_session: Session, _seconds: float) -> None:
    pass


class Dispatcher:
    """Shares the workers of each pool among tenants by weight.

    Whose turn it is says :mod:`fair_share <longwire_server.jobs.fair_share>`, and which of
    a tenant's jobs :mod:`tenant_queue <longwire_server.jobs.tenant_queue>`.

    Args:
        executor: where the workers are.
        pool_of: the pool of each backend.
        on_pending: called with a backend's name when the number of jobs that wait
            for it has changed.
        num_workers: how many workers each pool has; 1 where it does not say.
        undivided: the pools in which every job runs on one worker.
        weight: a tenant's share relative to the others', above 0.
        on_session_end: called with every session that is over when its worker is free,
            and how long it has had one, in seconds.
    """

    def __init__(
        self,
        executor: Executor,
        pool_of: Mapping[str, str],
        on_pending: Callable[[str], None],
        *,
        num_workers: Mapping[str, int] | None = None,
        undivided: Collection[str] = (),
        weight: Callable[[str], float] = _equal_weights,
        on_session_end: Callable[[Session, float], None] = _ignore_session_end,
    ) -> None:
        self._executor = executor
        self._pool_of = pool_of
        self._on_pending = on_pending
        self._run_times = RunTimes()
        self._pools = {
            name: Pool(
                name,
                [backend_name for backend_name, pool in pool_of.items() if pool == name],
                (num_workers or {}).get(name, 1),
                weight=weight,
                run_times=self._run_times,
            )
            for name in set(pool_of.values())
        }
        self._helpers = {
            name: PoolHelpers(executor, pool, splits_jobs=name not in undivided)
            for name, pool in self._pools.items()
        }
        self._places: dict[str, Place[Waiting]] = {}
        self._sessions = SessionWorkers(executor, self._start_attempt, on_session_end)
        # Jobs that came while older ones are still being taken up from the store.
        self._arrivals: dict[str, LiveJob] = {}
        self._holds_arrivals = False
        self._last_came_us = 0
        self._pending: Counter[str] = Counter()
        self._running: set[asyncio.Task[float]] = set()
        self._positions = QueuePositions(self._pools, self._run_times)
        self._attempt: Attempt | None = None

    @property
    def queued(self) -> int:
        """How many jobs wait, in all pools."""
        return self._pending.total()

    def pending(self, backend_name: str) -> int:
        """How many jobs wait for a backend."""
        return self._pending[backend_name]

    async def start(self, attempt: Attempt) -> None:
        """Begins to hand jobs to workers.

        Args:
            attempt: runs one job on one worker, and never raises.
        """
        self._attempt = attempt
        await self._executor.start(self._dispatch)

    def enqueue(self, live: LiveJob) -> None:
        """Puts a job where it belongs among those of its tenant, or in its session."""
        self._change_pending(live.job.backend_name, 1)
        self._last_came_us = max(self._last_came_us, live.job.create_time_us)
        self._put(live, live.job.create_time_us)
        self._dispatch(self._pool_of[live.job.backend_name])

    def enqueue_arrival(self, live: LiveJob) -> None:
        """Puts a new job into the queue, behind all that came before it."""
        self._change_pending(live.job.backend_name, 1)
        if self._holds_arrivals:
            self._arrivals[live.job.job_id] = live
        else:
            self._arrive(live)

    def hold_arrivals(self) -> None:
        """From here on new jobs stay behind those that are still to be taken up."""
        self._holds_arrivals = True

    def release_arrivals(self) -> None:
        """All older jobs are in the queue: the new ones follow them."""
        self._holds_arrivals = False
        arrivals, self._arrivals = self._arrivals, {}
        for live in arrivals.values():
            self._arrive(live)

    def remove(self, live: LiveJob) -> bool:
        """Takes a job out of the queue; False where it is not in it any more."""
        job = live.job
        is_arrival = self._arrivals.pop(job.job_id, None) is not None
        if not is_arrival and self._take_out(job.job_id) is None:
            return False
        self._change_pending(job.backend_name, -1)
        return True

    def is_queued(self, live: LiveJob) -> bool:
        """Whether a job waits."""
        job_id = live.job.job_id
        is_in_session = self._sessions.find_place(job_id) is not None
        return is_in_session or job_id in self._places or job_id in self._arrivals

    def reorder(self, live: LiveJob) -> None:
        """Puts a queued job where it belongs by its present priority, or in front of all."""
        job = live.job
        place = self._places.get(job.job_id)
        in_session = self._sessions.find_place(job.job_id)
        queue = self._pool(job.backend_name).queue
        if in_session is not None:
            session, session_place = in_session
            if job.moved_us is not None:
                # It waits for any worker now.
                self._sessions.remove(job.job_id)
                self._put(live, session_place.came_us)
            elif job.priority != session_place.priority:
                session.jobs.change_priority(session_place, job.priority)
        elif place is not None:
            if job.priority != place.priority:
                queue.change_priority(place, job.priority)
            if job.moved_us is not None and job.moved_us != place.moved_us:
                queue.move_to_front(place, job.moved_us)
        live.queue_position = None
        self._positions.change()
        self._dispatch(self._pool_of[job.backend_name])

    def position(self, live: LiveJob) -> int | None:
        """How many jobs will begin before a queued one on its pool's workers, plus one.

        None also while it is not known how many older jobs there are, and while its
        backend is paused.
        """
        place = self._places.get(live.job.job_id)
        if place is not None:
            queue = self._pool(live.job.backend_name).queue
            is_told = live.queue_position is not None and not queue.is_blocked(place)
            if is_told and queue.share.num_contenders > _COUNTED_TENANTS:
                # From a moment ago: to count takes long with so many.
                return live.queue_position
            return queue.position(place)
        in_session = self._sessions.find_place(live.job.job_id)
        return None if in_session is None else in_session[0].jobs.rank(in_session[1].order) + 1

    def estimated_start_us(self, live: LiveJob) -> int | None:
        """When a queued job may begin, in microseconds since 1970 UTC; None if nobody knows."""
        place = self._places.get(live.job.job_id)
        if live.queue_position is not None or place is None:
            return live.estimated_start_us
        # It will be told in a moment; until then it is looked for where that is quick.
        pool = self._pool(live.job.backend_name)
        return self._positions.start_of(pool, live) if len(pool.queue) <= _WALKED else None

    def pause(self, backend_name: str, *, is_paused: bool) -> None:
        """Begins no more jobs on a backend, or begins them again."""
        pool = self._pool(backend_name)
        pool.pause(backend_name, is_paused=is_paused)
        self._positions.change()
        self._dispatch(pool.name)

    def open_session(self, session: Session) -> None:
        """Puts a session into the queue: it gets a worker when its tenant's turn comes."""
        pool = self._pool(session.backend_name)
        place = Place[Waiting](
            session,
            session.tenant,
            session_line(session.backend_name),
            session.backend_name,
            max(self._last_came_us, now_us()),
            0,
        )
        self._sessions.open(session)
        self._places[session.session_id] = place
        pool.queue.add(place)
        self._dispatch(pool.name)

    def close_session(self, session: Session) -> None:
        """Ends a session. Its jobs that wait go on waiting like others."""
        if session.is_over:
            return
        pool = self._pool(session.backend_name)
        self._take_out(session.session_id)
        for place in self._sessions.end(pool, session):
            self._put(place.item, place.came_us)
        self._positions.change()
        self._dispatch(pool.name)

    async def drain(self) -> None:
        """Hands out no more jobs, and returns when the running attempts have ended."""
        self._attempt = None
        await self._positions.stop()
        while self._running:
            await asyncio.wait(self._running)

    def _pool(self, backend_name: str) -> Pool:
        return self._pools[self._pool_of[backend_name]]

    def _arrive(self, live: LiveJob) -> None:
        # A clock that is set back changes nothing of who came first.
        self._last_came_us = max(self._last_came_us, live.job.create_time_us)
        self._put(live, self._last_came_us)
        self._dispatch(self._pool_of[live.job.backend_name])

    def _put(self, live: LiveJob, came_us: int) -> None:
        job = live.job
        place = Place[Waiting](
            live,
            job.tenant,
            job.backend_name,
            job.backend_name,
            came_us,
            job.priority,
            batch=job.batch,
            is_again=job.attempt > 0,
            moved_us=job.moved_us,
        )
        session = self._sessions.find(live)
        if session is None or job.moved_us is not None:
            self._places[job.job_id] = place
            self._pool(job.backend_name).queue.add(place)
        else:
            self._sessions.add(session, cast("Place[LiveJob]", place))

    def _take_out(self, item_id: str) -> Place[Waiting] | None:
        place = self._places.pop(item_id, None)
        if place is None:
            return cast("Place[Waiting] | None", self._sessions.remove(item_id))
        self._pool(place.backend_name).queue.remove(place)
        return place

    def _dispatch(self, name: str) -> None:
        pool = self._pools.get(name)
        if pool is None or self._attempt is None:
            return
        if pool.sessions:
            for session in list(pool.sessions):
                self._sessions.serve(pool, session)
            self._helpers[name].recall()
        queue = pool.queue
        while len(queue):
            if queue.share.num_contenders > 1:
                queue.share.catch_up(asyncio.get_running_loop().time())
            place = queue.first()
            if place is None:
                break
            worker = self._executor.take(name, place.backend_name, place.tenant)
            if worker is None:
                self._helpers[name].recall()
                break
            self._begin(pool, place, worker)

    def _begin(self, pool: Pool, place: Place[Waiting], worker: Worker) -> None:
        """Hands a worker to what is first in the queue."""
        item, share = place.item, pool.queue.share
        in_turn, now = place.moved_us is None, asyncio.get_running_loop().time()
        if isinstance(item, Session):
            # Charged as it goes on.
            charge = share.begin(place.tenant, 0.0, now, in_turn=in_turn)
            self._take_out(item.session_id)
            self._sessions.begin(pool, item, worker, charge)
            return
        seconds = self._run_times.seconds(place.backend_name)
        charge = share.begin(place.tenant, seconds, now, in_turn=in_turn)
        self.remove(item)
        failpoint("jobs.taken")
        pool.occupied[charge] = place.backend_name

        def ended(_task: asyncio.Task[float]) -> None:
            del pool.occupied[charge]
            # Whoever has a worker killed pays for the next one's start, too.
            missing_seconds = self._executor.replacement_seconds(pool.name, worker)
            share.end(charge, asyncio.get_running_loop().time() + missing_seconds)
            self._executor.release(pool.name, worker)

        helped = self._helpers[pool.name].helped(worker, place.backend_name, place.tenant)
        self._start_attempt(item, helped).add_done_callback(ended)

    def _start_attempt(self, live: LiveJob, worker: Worker) -> asyncio.Task[float]:
        assert self._attempt is not None
        task = asyncio.create_task(self._run(self._attempt, live, worker))
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return task

    async def _run(self, attempt: Attempt, live: LiveJob, worker: Worker) -> float:
        """Runs an attempt, and returns how long it has taken, in seconds."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        await attempt(live, worker)
        seconds = loop.time() - began
        self._run_times.note(live.job.backend_name, seconds)
        return seconds

    def _change_pending(self, backend_name: str, change: int) -> None:
        self._pending[backend_name] += change
        self._on_pending(backend_name)
        self._positions.change()

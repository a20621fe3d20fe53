"""The queue: which job gets the next idle worker."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Mapping

from longwire_server.execution.executor import Executor, Worker
from longwire_server.failpoints import failpoint
from longwire_server.jobs.live_job import LiveJob

# Positions are told at most this often: a queue of thousands moves faster than
# anybody reads.
_POSITIONS_EVERY_SECONDS = 0.5

Attempt = Callable[[LiveJob, Worker], Awaitable[None]]


class Dispatcher:
    """First come, first served in each pool.

    Args:
        executor: where the workers are.
        pool_of: the pool of each backend.
        on_pending: called with a backend's name when the number of jobs that wait
            for it has changed.
    """

    def __init__(
        self,
        executor: Executor,
        pool_of: Mapping[str, str],
        on_pending: Callable[[str], None],
    ) -> None:
        self._executor = executor
        self._pool_of = pool_of
        self._on_pending = on_pending
        self._queues: dict[str, OrderedDict[str, LiveJob]] = {
            pool: OrderedDict() for pool in set(pool_of.values())
        }
        # Jobs that came while older ones are still being taken up from the store.
        self._arrivals: dict[str, LiveJob] = {}
        self._holds_arrivals = False
        self._pending: Counter[str] = Counter()
        self._running: set[asyncio.Task[None]] = set()
        self._positions_handle: asyncio.TimerHandle | None = None
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

    def enqueue(self, live: LiveJob, *, front: bool = False) -> None:
        """Puts a job at the end of its pool's queue, or at its front."""
        backend_name = live.job.backend_name
        queue = self._queues[self._pool_of[backend_name]]
        queue[live.job.job_id] = live
        if front:
            queue.move_to_end(live.job.job_id, last=False)
        self._change_pending(backend_name, 1)
        self._dispatch(self._pool_of[backend_name])

    def hold_arrivals(self) -> None:
        """From here on new jobs stay behind those that are still to be taken up."""
        self._holds_arrivals = True

    def release_arrivals(self) -> None:
        """All older jobs are in the queue: the new ones follow them."""
        self._holds_arrivals = False
        arrivals, self._arrivals = self._arrivals, {}
        for live in arrivals.values():
            self._change_pending(live.job.backend_name, -1)
            self.enqueue(live)

    def enqueue_arrival(self, live: LiveJob) -> None:
        """Puts a new job at the end of its pool's queue, behind all older ones."""
        if not self._holds_arrivals:
            self.enqueue(live)
            return
        self._arrivals[live.job.job_id] = live
        self._change_pending(live.job.backend_name, 1)

    def remove(self, live: LiveJob) -> bool:
        """Takes a job out of the queue; False where it is not in it any more."""
        backend_name, job_id = live.job.backend_name, live.job.job_id
        queue = self._queues[self._pool_of[backend_name]]
        if queue.pop(job_id, None) is None and self._arrivals.pop(job_id, None) is None:
            return False
        self._change_pending(backend_name, -1)
        return True

    def position(self, live: LiveJob) -> int | None:
        """A queued job's place in its pool's queue, counted from 1.

        None also while it is not known how many older jobs there are.
        """
        queue = self._queues[self._pool_of[live.job.backend_name]]
        if live.job.job_id not in queue:
            return None
        return next(place for place, job_id in enumerate(queue, 1) if job_id == live.job.job_id)

    async def drain(self) -> None:
        """Hands out no more jobs, and returns when the running attempts have ended."""
        self._attempt = None
        while self._running:
            await asyncio.wait(self._running)

    def _dispatch(self, pool: str) -> None:
        queue = self._queues.get(pool)
        while queue and self._attempt is not None:
            live = next(iter(queue.values()))
            worker = self._executor.take(pool, live.job.backend_name)
            if worker is None:
                break
            self.remove(live)
            failpoint("jobs.taken")
            task = asyncio.create_task(self._run(self._attempt, live, worker, pool))
            self._running.add(task)
            task.add_done_callback(self._running.discard)

    async def _run(self, attempt: Attempt, live: LiveJob, worker: Worker, pool: str) -> None:
        try:
            await attempt(live, worker)
        finally:
            self._executor.release(pool, worker)

    def _change_pending(self, backend_name: str, change: int) -> None:
        self._pending[backend_name] += change
        self._on_pending(backend_name)
        if self._positions_handle is None:
            loop = asyncio.get_running_loop()
            self._positions_handle = loop.call_later(_POSITIONS_EVERY_SECONDS, self._tell_positions)

    def _tell_positions(self) -> None:
        self._positions_handle = None
        for queue in self._queues.values():
            for position, live in enumerate(queue.values(), start=1):
                live.set_queue_position(position)

"""The workers that are kept for sessions, and the jobs that run on them."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable

from longwire_server.execution.executor import Executor, Worker
from longwire_server.jobs.fair_share import Charge
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.pool import Pool
from longwire_server.jobs.session import Session
from longwire_server.jobs.tenant_queue import Place

# Runs a job on a worker, and returns how long it has taken, in seconds.
Run = Callable[[LiveJob, Worker], "asyncio.Task[float]"]


class SessionWorkers:
    """Has each session's jobs run one after another on a worker of its own.

    Before each job the worker is given back and taken again, which lets the executor do
    what it does between jobs; nobody else gets it in between. So a worker that has died
    is followed by another, and the session goes on.

    Args:
        executor: where the workers are.
        run: runs a job on a worker.
        on_end: called with every session that is over when its worker is free, and how
            long it has had one.
    """

    def __init__(
        self, executor: Executor, run: Run, on_end: Callable[[Session, float], None]
    ) -> None:
        self._executor = executor
        self._run = run
        self._on_end = on_end
        self._open: dict[str, Session] = {}
        self._places: dict[str, tuple[Session, Place[LiveJob]]] = {}
        self._numbers = itertools.count()

    def open(self, session: Session) -> None:
        """From here on its jobs wait in it."""
        self._open[session.session_id] = session

    def find(self, live: LiveJob) -> Session | None:
        """The open session in which a job is to run."""
        return self._open.get(live.job.session_id) if live.job.session_id else None

    def add(self, session: Session, place: Place[LiveJob]) -> None:
        """Has a job wait in a session."""
        place.number = next(self._numbers)
        place.is_waiting = True
        session.jobs.add(place)
        session.work()
        self._places[place.item.job.job_id] = session, place

    def find_place(self, job_id: str) -> tuple[Session, Place[LiveJob]] | None:
        """Where a job waits, if it does so in a session."""
        return self._places.get(job_id)

    def remove(self, job_id: str) -> Place[LiveJob] | None:
        """Takes a job out of its session; None where it waits in none."""
        found = self._places.pop(job_id, None)
        if found is None:
            return None
        session, place = found
        session.jobs.remove(place)
        place.is_waiting = False
        session.rest()
        return place

    def begin(self, pool: Pool, session: Session, worker: Worker, charge: Charge) -> None:
        """Gives a session its worker."""
        pool.sessions.append(session)
        pool.review_sessions()
        session.begin(worker, charge)
        self.serve(pool, session)

    def serve(self, pool: Pool, session: Session) -> None:
        """Begins the session's next job if it can; it keeps an idle worker in any case."""
        if session.is_over:
            return
        can_begin = bool(session.jobs) and not pool.is_paused(session.backend_name)
        if session.worker is not None and can_begin:
            worker, session.worker = session.worker, None
            # Comes back here, where the worker is idle at once.
            self._executor.release(pool.name, worker)
        if session.running is None and session.worker is None:
            session.worker = self._executor.take(pool.name, session.backend_name, session.tenant)
            if session.worker is not None and can_begin:
                self._begin_job(pool, session, session.worker)

    def end(self, pool: Pool, session: Session) -> list[Place[LiveJob]]:
        """Ends a session, and returns the places of the jobs that waited in it."""
        had_worker = session.charge is not None
        self._open.pop(session.session_id, None)
        left = session.end()
        for place in left:
            del self._places[place.item.job.job_id]
        if had_worker and session.running is None:
            self._free(pool, session, session.worker)
        return left

    def _begin_job(self, pool: Pool, session: Session, worker: Worker) -> None:
        place = session.jobs.first
        assert place is not None
        live = place.item
        self.remove(live.job.job_id)
        session.work()
        session.running, session.worker = live, None
        task = self._run(live, worker)
        task.add_done_callback(lambda done: self._job_ended(pool, session, worker, done))

    def _job_ended(
        self, pool: Pool, session: Session, worker: Worker, done: asyncio.Task[float]
    ) -> None:
        session.running = None
        if not done.cancelled():
            session.job_seconds += done.result()
        if session.is_over:
            self._free(pool, session, worker)
        else:
            session.rest()
            self._executor.release(pool.name, worker)

    def _free(self, pool: Pool, session: Session, worker: Worker | None) -> None:
        assert session.charge is not None
        pool.sessions.remove(session)
        pool.review_sessions()
        seconds = pool.queue.share.end(session.charge, asyncio.get_running_loop().time())
        session.worker = None
        self._on_end(session, seconds)
        if worker is not None:
            self._executor.release(pool.name, worker)

"""A session: a worker that is kept for one tenant's jobs for a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from longwire.v1 import session_service_pb2
from longwire.v1.session_service_pb2 import SessionState
from longwire_server.execution.executor import Worker
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.fair_share import Charge
from longwire_server.jobs.job_message import timestamp
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.tenant_queue import Line, Place

QUEUED = SessionState.SESSION_STATE_QUEUED
ACTIVE = SessionState.SESSION_STATE_ACTIVE
CLOSED = SessionState.SESSION_STATE_CLOSED

_US_PER_SECOND = 1_000_000


class Session:
    """One session, from its opening until some time after its end.

    Args:
        session_id: its id.
        tenant: who owns it.
        backend_name: the backend on which its jobs run.
        max_seconds: how long it may last from when it has got its worker.
        idle_seconds: how long it may have nothing to do.
        on_over: called when one of these times is over.

    Attributes:
        state: where it stands.
        jobs: its jobs that wait.
        running: its job that runs.
        worker: its worker while no job runs on it; None also where that has died and
            there is no other yet.
        charge: what its tenant is charged for it.
        job_seconds: how long jobs have run in it.
    """

    def __init__(
        self,
        session_id: str,
        tenant: str,
        backend_name: str,
        *,
        max_seconds: float,
        idle_seconds: float,
        on_over: Callable[[Session], None],
    ) -> None:
        self.session_id = session_id
        self.tenant = tenant
        self.backend_name = backend_name
        self.max_seconds = max_seconds
        self.idle_seconds = idle_seconds
        self._on_over = on_over
        self.state: SessionState.ValueType = QUEUED
        self.jobs: Line[LiveJob] = Line()
        self.running: LiveJob | None = None
        self.worker: Worker | None = None
        self.charge: Charge | None = None
        self.job_seconds = 0.0
        self._start_us: int | None = None
        self._end_us: int | None = None
        self._ends: float | None = None
        self._end_handle: asyncio.TimerHandle | None = None
        self._idle_handle: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether it will begin no more jobs."""
        return self.state == CLOSED

    @property
    def ends(self) -> float | None:
        """When it will be over at the latest, by the loop's clock; None while it waits."""
        return self._ends

    def begin(self, worker: Worker, charge: Charge) -> None:
        """It has got its worker: its time begins."""
        loop = asyncio.get_running_loop()
        self.state, self.worker, self.charge = ACTIVE, worker, charge
        self._start_us = now_us()
        self._end_us = self._start_us + round(self.max_seconds * _US_PER_SECOND)
        self._ends = loop.time() + self.max_seconds
        self._end_handle = loop.call_later(self.max_seconds, self._on_over, self)
        self.rest()

    def rest(self) -> None:
        """It has nothing to do from here on, unless something waits."""
        is_idle = self.state == ACTIVE and self.running is None and not self.jobs
        if is_idle and self._idle_handle is None:
            loop = asyncio.get_running_loop()
            self._idle_handle = loop.call_later(self.idle_seconds, self._on_over, self)

    def work(self) -> None:
        """It has something to do."""
        if self._idle_handle is not None:
            self._idle_handle.cancel()
            self._idle_handle = None

    def end(self) -> list[Place[LiveJob]]:
        """It is over; returns the places of the jobs that waited in it."""
        self.work()
        if self._end_handle is not None:
            self._end_handle.cancel()
        self.state = CLOSED
        self._end_us = now_us()
        left = list(self.jobs)
        for place in left:
            place.is_waiting = False
        self.jobs = Line()
        return left

    def to_proto(self) -> session_service_pb2.Session:
        """The session in the words of the wire."""
        message = session_service_pb2.Session(
            session_id=self.session_id,
            backend_name=self.backend_name,
            state=self.state,
            max_seconds=self.max_seconds,
            idle_seconds=self.idle_seconds,
        )
        if self._start_us is not None:
            message.start_time.CopyFrom(timestamp(self._start_us))
        if self._end_us is not None:
            message.end_time.CopyFrom(timestamp(self._end_us))
        return message

"""One pool, as the dispatcher sees it: what waits for its workers, and what has them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeAlias

from longwire_server.jobs.fair_share import Charge
from longwire_server.jobs.live_job import LiveJob
from longwire_server.jobs.pool_queue import PoolQueue
from longwire_server.jobs.run_times import RunTimes
from longwire_server.jobs.session import Session
from longwire_server.jobs.tenant_queue import Place

Waiting: TypeAlias = LiveJob | Session


class Pool:
    """The queue and the sessions of one pool.

    Args:
        name: the pool's name.
        backend_names: the backends that its workers run.
        num_workers: how many workers it has.
        weight: a tenant's share relative to the others', above 0.
        run_times: how long jobs take.

    Attributes:
        queue: what waits for a worker.
        sessions: the sessions that have one, or that have lost it and get the next.
        occupied: the backend of each job that runs outside of sessions, by what its
            tenant is charged.
    """

    def __init__(
        self,
        name: str,
        backend_names: Sequence[str],
        num_workers: int,
        *,
        weight: Callable[[str], float],
        run_times: RunTimes,
    ) -> None:
        self.name = name
        self.backend_names = backend_names
        self.num_workers = num_workers
        self._run_times = run_times
        self.queue: PoolQueue[Waiting] = PoolQueue(weight, self.seconds)
        self.sessions: list[Session] = []
        self.occupied: dict[Charge, str] = {}
        self._paused: set[str] = set()

    def seconds(self, place: Place[Waiting]) -> float:
        """How long something may occupy a worker, as far as anybody knows."""
        if isinstance(place.item, Session):
            return place.item.max_seconds
        return self._run_times.seconds(place.backend_name)

    def is_paused(self, backend_name: str) -> bool:
        """Whether no more jobs are to begin on a backend."""
        return backend_name in self._paused

    def pause(self, backend_name: str, *, is_paused: bool) -> None:
        """Begins no more jobs on a backend, or begins them again."""
        (self._paused.add if is_paused else self._paused.discard)(backend_name)
        self.queue.set_blocked(backend_name, is_paused)
        self.review_sessions()

    def review_sessions(self) -> None:
        """Lets sessions begin as long as there may be more: a worker is left for other jobs."""
        is_full = len(self.sessions) >= max(1, self.num_workers - 1)
        for backend_name in self.backend_names:
            is_blocked = is_full or self.is_paused(backend_name)
            self.queue.set_blocked(session_line(backend_name), is_blocked)


def session_line(backend_name: str) -> str:
    """The line in which sessions on a backend stand: no backend is called so."""
    return f"{backend_name} session"

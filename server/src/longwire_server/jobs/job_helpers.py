"""Idle workers of a pool help with large jobs, until somebody else wants them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from longwire_server.execution.executor import Executor, Worker
from longwire_server.execution.shared_attempt import Helpers, SharedWorker
from longwire_server.execution.worker_process import WorkerProcess
from longwire_server.jobs.fair_share import Charge
from longwire_server.jobs.pool import Pool

_Recall = Callable[[WorkerProcess], None]


class PoolHelpers:
    """The workers of one pool that help.

    A worker helps only while nothing waits in the queue. Its tenant is charged for it as
    for any other.

    Args:
        executor: where the workers are.
        pool: the pool.
        splits_jobs: whether there are any, where the pool has more than one worker.
    """

    def __init__(self, executor: Executor, pool: Pool, *, splits_jobs: bool) -> None:
        self._executor = executor
        self._pool = pool
        self._splits_jobs = splits_jobs and pool.num_workers > 1
        self._charges: dict[WorkerProcess, Charge] = {}
        # Those that may be asked to come back, the first first.
        self._recalls: dict[WorkerProcess, _Recall] = {}

    def helped(self, worker: Worker, backend_name: str, tenant: str) -> Worker:
        """A worker as a job is to have it: with the help of others, where there may be any."""
        if not self._splits_jobs or not isinstance(worker, WorkerProcess):
            return worker
        return SharedWorker(worker, _JobHelpers(self, backend_name, tenant))

    def recall(self) -> None:
        """Has as many come back as somebody waits for."""
        waiting = len(self._pool.queue)
        waiting += sum(each.worker is None and each.running is None for each in self._pool.sessions)
        coming = len(self._charges) - len(self._recalls)
        for worker in list(self._recalls)[: max(0, waiting - coming)]:
            self._recalls.pop(worker)(worker)

    def take(self, backend_name: str, tenant: str, recall: _Recall) -> WorkerProcess | None:
        """See :meth:`Helpers.take`."""
        if self._pool.queue.first() is not None:
            return None
        worker = self._executor.take_beside(self._pool.name, backend_name, tenant)
        if not isinstance(worker, WorkerProcess):
            return None
        share, now = self._pool.queue.share, asyncio.get_running_loop().time()
        # Charged as it goes on; it is nobody's turn.
        self._charges[worker] = share.begin(tenant, 0.0, now, in_turn=False)
        self._recalls[worker] = recall
        return worker

    def give_back(self, worker: WorkerProcess) -> None:
        """See :meth:`Helpers.give_back`."""
        self._recalls.pop(worker, None)
        missing_seconds = self._executor.replacement_seconds(self._pool.name, worker)
        now = asyncio.get_running_loop().time()
        self._pool.queue.share.end(self._charges.pop(worker), now + missing_seconds)
        self._executor.release(self._pool.name, worker)


class _JobHelpers(Helpers):
    """What one job may have of them."""

    def __init__(self, pool: PoolHelpers, backend_name: str, tenant: str) -> None:
        self._pool = pool
        self._backend_name = backend_name
        self._tenant = tenant

    def take(self, recall: _Recall) -> WorkerProcess | None:
        """See :meth:`Helpers.take`."""
        return self._pool.take(self._backend_name, self._tenant, recall)

    def give_back(self, worker: WorkerProcess) -> None:
        """See :meth:`Helpers.give_back`."""
        self._pool.give_back(worker)

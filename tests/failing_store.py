"""The real store, which fails when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from longwire_server.store.job import Job
from longwire_server.store.job_store import Added, StoreError
from longwire_server.store.sql_job_store import SqlJobStore

T = TypeVar("T")

OPERATIONS = frozenset(
    {"add", "update", "renew_leases", "get", "spec", "program", "result", "list_jobs", "delete"}
)


class FailingStore(SqlJobStore):
    """Jobs in a SQL database that is away at times.

    Attributes:
        failures: how many operations have failed so far.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.failures = 0
        self._failing: frozenset[str] = frozenset()
        self._losing: frozenset[str] = frozenset()
        self._delaying: frozenset[str] = frozenset()
        self._delayed: list[Coroutine[Any, Any, Any]] = []
        self._failed = asyncio.Event()

    def fail(self, *operations: str) -> None:
        """From here on these fail, or all: nothing of them is done."""
        self._failing = frozenset(operations) or OPERATIONS

    def lose_answers(self, *operations: str) -> None:
        """From here on these are done, or all, but whoever asked is told that they failed."""
        self._losing = frozenset(operations) or OPERATIONS

    def delay(self, *operations: str) -> None:
        """From here on these are told to have failed, and are done by :meth:`catch_up`."""
        self._delaying = frozenset(operations)

    async def catch_up(self) -> None:
        """Does what was delayed."""
        delayed, self._delayed = self._delayed, []
        for work in delayed:
            await work

    def work(self) -> None:
        """From here on everything works again."""
        self._failing = self._losing = self._delaying = frozenset()

    @property
    def works(self) -> bool:
        """Whether everything works."""
        return not (self._failing or self._losing or self._delaying)

    async def failed(self, times: int = 1) -> None:
        """Waits until so many more operations have failed."""
        goal = self.failures + times
        while self.failures < goal:
            self._failed.clear()
            await self._failed.wait()

    async def add(self, *arguments: Any, **named: Any) -> Added:
        return await self._do("add", super().add(*arguments, **named))

    async def update(self, *arguments: Any, **named: Any) -> bool:
        return await self._do("update", super().update(*arguments, **named))

    async def renew_leases(self, *arguments: Any, **named: Any) -> set[str]:
        return await self._do("renew_leases", super().renew_leases(*arguments, **named))

    async def get(self, *arguments: Any, **named: Any) -> Job | None:
        return await self._do("get", super().get(*arguments, **named))

    async def of_request(self, *arguments: Any, **named: Any) -> Job | None:
        return await self._do("of_request", super().of_request(*arguments, **named))

    async def spec(self, *arguments: Any, **named: Any) -> bytes | None:
        return await self._do("spec", super().spec(*arguments, **named))

    async def program(self, *arguments: Any, **named: Any) -> bytes | None:
        return await self._do("program", super().program(*arguments, **named))

    async def result(self, *arguments: Any, **named: Any) -> bytes | None:
        return await self._do("result", super().result(*arguments, **named))

    async def list_jobs(self, *arguments: Any, **named: Any) -> list[Job]:
        return await self._do("list_jobs", super().list_jobs(*arguments, **named))

    async def delete(self, *arguments: Any, **named: Any) -> bool:
        return await self._do("delete", super().delete(*arguments, **named))

    async def _do(self, operation: str, work: Coroutine[Any, Any, T]) -> T:
        if operation in self._failing:
            work.close()
            raise self._failure(f"{operation}: the store is away")
        if operation in self._delaying:
            self._delayed.append(work)
            raise self._failure(f"{operation}: the connection broke")
        is_lost = operation in self._losing
        answer = await work
        if is_lost:
            raise self._failure(f"{operation}: the answer is lost")
        return answer

    def _failure(self, message: str) -> StoreError:
        self.failures += 1
        self._failed.set()
        return StoreError(message)

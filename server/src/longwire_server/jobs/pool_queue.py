"""What waits for the workers of one pool, of all tenants."""

from __future__ import annotations

import heapq
import itertools
import math
from bisect import insort
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from longwire_server.jobs.fair_share import FairShare
from longwire_server.jobs.tenant_queue import Line, Place

# Up to so many places, one place is found by walking along the queue.
_WALKED = 256

T = TypeVar("T")


class PoolQueue(Generic[T]):
    """The places of one pool. A line that is blocked holds up no other.

    Args:
        weight: a tenant's share relative to the others', above 0.
        seconds: how long something may occupy a worker.

    Attributes:
        share: whose turn it is.
    """

    def __init__(
        self, weight: Callable[[str], float], seconds: Callable[[Place[T]], float]
    ) -> None:
        self.share = FairShare(weight)
        self._seconds = seconds
        self._lines: dict[str, dict[str, Line[T]]] = {}
        # What was put in front of all others, the last first.
        self._moved: list[Place[T]] = []
        self._blocked: set[str] = set()
        self._numbers = itertools.count()
        self._len = 0

    def __len__(self) -> int:
        return self._len

    def add(self, place: Place[T]) -> None:
        """Puts something into the queue."""
        place.number = next(self._numbers)
        place.is_waiting = True
        self._len += 1
        self._put(place)

    def remove(self, place: Place[T]) -> None:
        """Takes something out of it."""
        place.is_waiting = False
        self._len -= 1
        self._take_out(place)

    def change_priority(self, place: Place[T], priority: int) -> None:
        """Changes how urgent something is among its tenant's."""
        if place.moved_us is None:
            self._lines[place.tenant][place.line].change_priority(place, priority)
        else:
            place.priority = priority

    def move_to_front(self, place: Place[T], moved_us: int) -> None:
        """Puts it in front of all others, those too that were before."""
        self._take_out(place)
        place.moved_us = moved_us
        self._put(place)

    def set_blocked(self, line: str, is_blocked: bool) -> None:
        """Whether nothing of a line may begin."""
        if is_blocked == (line in self._blocked):
            return
        (self._blocked.add if is_blocked else self._blocked.discard)(line)
        for tenant in self._lines:
            self._review(tenant)

    def is_blocked(self, place: Place[T]) -> bool:
        """Whether nothing of its line may begin."""
        return place.line in self._blocked

    def first(self) -> Place[T] | None:
        """What is to have the next worker; None where nothing may begin."""
        if self._moved:
            for place in self._moved:
                if place.line not in self._blocked:
                    return place
        tenant = self.share.first()
        if tenant is None:
            return None
        lines = self._lines[tenant]
        if len(lines) == 1:
            return next(iter(lines.values())).first
        heads = [line.first for line in self._open_lines(tenant)]
        return min((head for head in heads if head is not None), key=lambda head: head.order)

    def walk(self) -> Iterator[Place[T]]:
        """What may begin in the order in which it would, if nothing changed.

        Who calls may wait between two: what left the queue meanwhile is left out.
        """
        numbers = itertools.count()
        heap = []
        for tenant in self.share.contenders:
            way = _merged(self._open_lines(tenant))
            place = next(way, None)
            if place is not None:
                heap.append((self.share.tag(tenant), next(numbers), place, way))
        heapq.heapify(heap)
        for place in [each for each in self._moved if each.line not in self._blocked]:
            if place.is_waiting:
                yield place
        while heap:
            tag, _, place, way = heap[0]
            if place.is_waiting:
                yield place
                tag += self._seconds(place) / self.share.weight(place.tenant)
            following = next(way, None)
            if following is None:
                heapq.heappop(heap)
            else:
                heapq.heapreplace(heap, (tag, next(numbers), following, way))

    def position(self, place: Place[T]) -> int | None:
        """How many would begin before it, plus one; None while its line is blocked.

        Where many wait of several tenants, it is what their mean durations say.
        """
        if not place.is_waiting or self.is_blocked(place):
            return None
        moved = [each for each in self._moved if each.line not in self._blocked]
        if place.moved_us is not None:
            return moved.index(place) + 1
        if self.share.num_contenders > 1 and self._len <= _WALKED:
            return next(number for number, each in enumerate(self.walk(), 1) if each is place)
        own = [(line, line.rank(place.order)) for line in self._open_lines(place.tenant)]
        before = len(moved) + sum(rank for _, rank in own)
        if self.share.num_contenders > 1:
            before += self._of_others(place.tenant, own)
        return before + 1

    def _of_others(self, tenant: str, own: list[tuple[Line[T], int]]) -> int:
        """How many of other tenants would begin before something.

        Args:
            tenant: whose it is.
            own: the tenant's lines, and how many stand before it in each.
        """
        share = self.share
        mine = sum(rank * self._seconds(line.first) for line, rank in own if line.first)
        start = share.tag(tenant) + mine / share.weight(tenant)
        before = 0
        for other in self._lines:
            ahead = start - share.tag(other)
            if other == tenant or ahead <= 0:
                continue
            lines = self._open_lines(other)
            waiting = sum(map(len, lines))
            seconds = sum(len(line) * self._seconds(line.first) for line in lines if line.first)
            if seconds:
                before += min(waiting, math.ceil(ahead * share.weight(other) * waiting / seconds))
        return before

    def _open_lines(self, tenant: str) -> list[Line[T]]:
        lines = self._lines[tenant].items()
        return [line for name, line in lines if name not in self._blocked]

    def _put(self, place: Place[T]) -> None:
        if place.moved_us is not None:
            insort(self._moved, place, key=lambda each: (-(each.moved_us or 0), each.number))
            return
        lines = self._lines.setdefault(place.tenant, {})
        line = lines.get(place.line)
        if line is None:
            line = lines[place.line] = Line()
        line.add(place)
        if place.line not in self._blocked:
            self.share.contend(place.tenant)

    def _take_out(self, place: Place[T]) -> None:
        if place.moved_us is not None:
            self._moved.remove(place)
            return
        lines = self._lines[place.tenant]
        line = lines[place.line]
        line.remove(place)
        if not line:
            del lines[place.line]
            self._review(place.tenant)
            if not lines:
                del self._lines[place.tenant]

    def _review(self, tenant: str) -> None:
        """Finds out whether a tenant has something that may begin."""
        if self._blocked.issuperset(self._lines[tenant]):
            self.share.retire(tenant)
        else:
            self.share.contend(tenant)


def _merged(lines: list[Line[T]]) -> Iterator[Place[T]]:
    """The places of some lines in their order."""
    if len(lines) == 1:
        return iter(lines[0])
    return heapq.merge(*lines, key=lambda place: place.order)

"""What waits of one tenant, in its order.

The order is that of a number that a job keeps: when it came, less ten minutes for each
step of its priority. So whoever came later overtakes only with a higher priority, by at
most as much as that is worth in time, and nobody waits for ever. What is begun again
because its attempt was lost comes before all that.
"""

from __future__ import annotations

import dataclasses
from bisect import bisect_left
from collections.abc import Iterator
from typing import Generic, TypeVar

STEP_US = 600 * 1_000_000
"""How much waiting a step of priority is worth, in microseconds."""

_AGAIN, _FIRST_TIME = 0, 1
# Places that were left at the front of a line are cut off when there are so many.
_CUT_AFTER = 1024

T = TypeVar("T")
Order = tuple[int, int, int]


@dataclasses.dataclass(slots=True, eq=False)
class Place(Generic[T]):
    """A place in the queue, of a job or a session."""

    item: T
    """Whose place it is."""

    tenant: str
    """Who owns that."""

    line: str
    """With what it stands in line: jobs of a backend, or sessions on it."""

    backend_name: str
    """The backend."""

    came_us: int
    """When it came."""

    priority: int
    """How urgent it is among its tenant's."""

    batch: str = ""
    """The batch to which it belongs; empty for none."""

    is_again: bool = False
    """Whether it has been begun before."""

    moved_us: int | None = None
    """When it was put in front of all others, if it was."""

    number: int = 0
    """Which it is of all that ever came."""

    order: Order = (0, 0, 0)
    """Where it stands in its line: the lowest first."""

    is_waiting: bool = False
    """Whether it is in the queue still."""

    @property
    def own_order(self) -> Order:
        """Where it would stand without its batch."""
        lane = _AGAIN if self.is_again else _FIRST_TIME
        return lane, self.came_us - self.priority * STEP_US, self.number


class Line(Generic[T]):
    """Places in their order. The jobs of a batch stand in the order in which they came."""

    def __init__(self) -> None:
        # By place.order, which no two have in common.
        self._places: list[tuple[int, int, int, Place[T] | None]] = []
        self._head = 0
        self._batches: dict[str, list[Place[T]]] = {}

    def __len__(self) -> int:
        return len(self._places) - self._head

    def __iter__(self) -> Iterator[Place[T]]:
        """Those that waited when the iteration began and wait still."""
        for entry in self._places[self._head :]:
            place = entry[3]
            if place is not None and place.is_waiting:
                yield place

    @property
    def first(self) -> Place[T] | None:
        """The first of them."""
        return self._places[self._head][3] if len(self) else None

    def add(self, place: Place[T]) -> None:
        """Puts it where it belongs; its number is higher than all in its batch."""
        place.order = place.own_order
        if place.batch and not place.is_again:
            members = self._batches.setdefault(place.batch, [])
            if members:
                place.order = _behind(members[-1], place)
            members.append(place)
        self._insert(place)

    def remove(self, place: Place[T]) -> None:
        """Takes it out."""
        self._cut(place)
        members = self._batches.get(place.batch)
        if not members or place.is_again:
            return
        index = _index(members, place)
        del members[index]
        if members:
            self._order_batch(members, index)
        else:
            del self._batches[place.batch]

    def change_priority(self, place: Place[T], priority: int) -> None:
        """Moves it to where it belongs with another priority."""
        place.priority = priority
        members = self._batches.get(place.batch)
        if members and not place.is_again:
            self._order_batch(members, _index(members, place))
            return
        self._cut(place)
        place.order = place.own_order
        self._insert(place)

    def rank(self, order: Order) -> int:
        """How many stand before a place."""
        return bisect_left(self._places, order, lo=self._head) - self._head

    def _order_batch(self, members: list[Place[T]], index: int) -> None:
        """Finds the places of a batch's members from one on, as long as they change."""
        for each in range(index, len(members)):
            place = members[each]
            order = _behind(members[each - 1], place) if each else place.own_order
            if order == place.order and each > index:
                return
            if order != place.order:
                self._cut(place)
                place.order = order
                self._insert(place)

    def _insert(self, place: Place[T]) -> None:
        entry = (*place.order, place)
        if not len(self) or self._places[-1][:3] < place.order:
            self._places.append(entry)
        else:
            index = bisect_left(self._places, place.order, lo=self._head)
            self._places.insert(index, entry)

    def _cut(self, place: Place[T]) -> None:
        index = bisect_left(self._places, place.order, lo=self._head)
        if index > self._head:
            del self._places[index]
            return
        self._places[index] = (*place.order, None)
        self._head += 1
        if self._head >= _CUT_AFTER and 2 * self._head >= len(self._places):
            del self._places[: self._head]
            self._head = 0


def _behind(before: Place[T], place: Place[T]) -> Order:
    """Where a member of a batch stands: nowhere before the one that came before it."""
    lane, time_us, _ = max(before.order, place.own_order)
    return lane, time_us, place.number


def _index(members: list[Place[T]], place: Place[T]) -> int:
    return bisect_left(members, place.number, key=lambda member: member.number)

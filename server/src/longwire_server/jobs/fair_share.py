"""Whose turn it is: workers are shared among tenants by weight.

Start-time fair queueing (Goyal, Vin and Cheng 1996): every tenant has a tag, the worker
seconds that it was given divided by its weight. Who has the lowest tag is next. A
tenant that had nothing to run starts at the virtual time, which is the tag of the job
that began last, so that nobody gathers a claim by waiting, or a debt by having been
alone. What a job takes is not known when it begins: it is charged an estimate, more
while it runs longer than that, and in the end what it really took.
"""

from __future__ import annotations

import dataclasses
import heapq
import itertools
from collections.abc import Callable

# Tags of tenants that have nothing to run are dropped when there are so many more.
_IDLE_TAGS = 256


@dataclasses.dataclass(slots=True, eq=False)
class Charge:
    """What a tenant is charged for a worker that it occupies. Times are in seconds."""

    tenant: str
    """Who."""

    began: float
    """Since when, by the loop's clock."""

    seconds: float
    """What it was charged so far."""


class FairShare:
    """The tags of the tenants of one pool.

    Args:
        weight: a tenant's share relative to the others', above 0.

    Attributes:
        virtual_time: the tag at which a tenant starts that had nothing to run.
    """

    def __init__(self, weight: Callable[[str], float]) -> None:
        self._weight = weight
        self.virtual_time = 0.0
        self._tags: dict[str, float] = {}
        # Contenders with the number of their present entry in the heap.
        self._entries: dict[str, int] = {}
        self._heap: list[tuple[float, int, str]] = []
        self._numbers = itertools.count()
        self._charges: set[Charge] = set()

    @property
    def contenders(self) -> list[str]:
        """The tenants that have something to run, those whose turn is next first."""
        return sorted(self._entries, key=lambda each: (self._tags[each], self._entries[each]))

    @property
    def num_contenders(self) -> int:
        """How many they are."""
        return len(self._entries)

    def tag(self, tenant: str) -> float:
        """Worker seconds by weight: where a tenant's next job starts in virtual time."""
        return self._tags.get(tenant, 0.0)

    def weight(self, tenant: str) -> float:
        """A tenant's share relative to the others'."""
        return self._weight(tenant)

    def contend(self, tenant: str) -> None:
        """A tenant has something to run, which it had not before."""
        if tenant in self._entries:
            return
        self._tags[tenant] = max(self._tags.get(tenant, 0.0), self.virtual_time)
        self._push(tenant)

    def retire(self, tenant: str) -> None:
        """It has nothing to run any more."""
        self._entries.pop(tenant, None)
        if len(self._tags) > len(self._entries) + _IDLE_TAGS:
            self._forget_idle()

    def first(self) -> str | None:
        """The tenant whose turn it is; None where nobody has anything to run."""
        heap, entries = self._heap, self._entries
        while heap:
            _, number, tenant = heap[0]
            if entries.get(tenant) == number:
                return tenant
            heapq.heappop(heap)
        return None

    def begin(self, tenant: str, seconds: float, now: float, *, in_turn: bool = True) -> Charge:
        """Charges a tenant for a worker that it takes.

        Args:
            tenant: who.
            seconds: for how long it may need it.
            now: the present time.
            in_turn: whether it was its turn. Otherwise virtual time does not go on.
        """
        if in_turn:
            self.virtual_time = max(self.virtual_time, self._tags.get(tenant, 0.0))
        charge = Charge(tenant, now, 0.0)
        self._charges.add(charge)
        self._add(charge, seconds)
        return charge

    def catch_up(self, now: float) -> None:
        """Charges what is occupied longer than was estimated."""
        for charge in self._charges:
            over = now - charge.began - charge.seconds
            if over > 0:
                self._add(charge, over)

    def end(self, charge: Charge, now: float) -> float:
        """Corrects a charge to what it really took, and returns that, in seconds."""
        taken = max(0.0, now - charge.began)
        if charge in self._charges:
            self._charges.remove(charge)
            self._add(charge, taken - charge.seconds)
        if not self._charges and not self._entries:
            # Nobody has kept anybody waiting: all begin anew.
            self._tags.clear()
            self._heap.clear()
            self.virtual_time = 0.0
        return taken

    def _add(self, charge: Charge, seconds: float) -> None:
        tenant = charge.tenant
        charge.seconds += seconds
        self._tags[tenant] = self._tags.get(tenant, 0.0) + seconds / self._weight(tenant)
        if tenant in self._entries:
            self._push(tenant)

    def _push(self, tenant: str) -> None:
        number = self._entries[tenant] = next(self._numbers)
        heapq.heappush(self._heap, (self._tags[tenant], number, tenant))
        if len(self._heap) > 2 * len(self._entries) + _IDLE_TAGS:
            self._heap = [entry for entry in self._heap if self._entries.get(entry[2]) == entry[1]]
            heapq.heapify(self._heap)

    def _forget_idle(self) -> None:
        occupied = {charge.tenant for charge in self._charges}
        self._tags = {
            tenant: tag
            for tenant, tag in self._tags.items()
            if tenant in self._entries or tenant in occupied or tag > self.virtual_time
        }

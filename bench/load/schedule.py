"""When each call of an open load is due, fixed before the first is sent."""

from __future__ import annotations

import random
from collections.abc import Iterator

from plan import Plan


def arrivals(plan: Plan) -> Iterator[tuple[float, int]]:
    """Seconds after the start, rising, and which client sends then.

    The same seed gives the same schedule, so that servers can be compared.
    """
    chance = random.Random(plan.seed)
    shares = [client.share for client in plan.clients]
    numbers = range(len(shares))
    due = 0.0
    while True:
        due += chance.expovariate(plan.rate) if plan.arrivals == "poisson" else 1 / plan.rate
        if due >= plan.seconds:
            return
        yield due, chance.choices(numbers, shares)[0]

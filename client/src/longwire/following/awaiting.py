"""Blocking work, awaited from a running event loop."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from longwire.transport.interruption import Interruption

T = TypeVar("T")


async def in_thread(work: Callable[[Interruption], T]) -> T:
    """What ``work`` returns or raises, without blocking the event loop.

    The work has a thread of its own, which ends with it: the event loop's executor
    has a few threads only, which a few jobs that are waited for would all take.
    gRPC's own asyncio client is no way out, for it disturbs every other event
    loop in the process that uses it, and its calls belong to one loop.

    Args:
        work: called with the interruption that ends it. Where the awaiting task is
            cancelled, it is interrupted, and what it then returns or raises is lost.
    """
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()
    interruption = Interruption()

    def deliver(setter: Callable[[Any], None], outcome: Any) -> None:
        if not future.done():
            setter(outcome)

    def tell(setter: Callable[[Any], None], outcome: Any) -> None:
        try:
            loop.call_soon_threadsafe(deliver, setter, outcome)
        except RuntimeError:
            # The loop was closed: nobody waits any more.
            return

    def run() -> None:
        try:
            outcome = work(interruption)
        except BaseException as error:  # noqa: BLE001 - raised where it is awaited
            tell(future.set_exception, error)
        else:
            tell(future.set_result, outcome)

    threading.Thread(target=run, name="longwire-await", daemon=True).start()
    try:
        return await future
    finally:
        interruption.make()

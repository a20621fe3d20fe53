"""A process of submitters, which calls from many threads for so many seconds when it is told.

    python bench/submitter.py KIND ADDRESS

A line ``THREADS SECONDS`` on stdin begins a turn; the answer is ``CALLS SECONDS``, what was
finished and how long it took.
"""

from __future__ import annotations

import sys
import threading
import time

from clients import CALLS, Call


def turn(call: Call, threads: int, seconds: float) -> tuple[int, float]:
    """Calls from so many threads; nobody begins another call after the time is over."""
    finished: list[None] = []
    begun = time.perf_counter()

    def work() -> None:
        while time.perf_counter() - begun < seconds:
            call()
            finished.append(None)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return len(finished), time.perf_counter() - begun


def main(kind: str, address: str) -> None:
    call = CALLS[kind](address)
    call()
    print("ready", flush=True)
    for line in sys.stdin:
        threads, seconds = line.split()
        print(*turn(call, int(threads), float(seconds)), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])

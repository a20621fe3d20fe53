"""A new process' first job: prints the seconds from the provider to the result.

    python bench/first_job.py ADDRESS

The imports that a program writes at its top come before the clock.
"""

from __future__ import annotations

import sys
import time

from clients import longwire_call

import longwire.provider  # noqa: F401  longwire itself imports it when it is first used

if __name__ == "__main__":
    begun = time.perf_counter()
    longwire_call(sys.argv[1])()
    print(time.perf_counter() - begun)

"""One process' first Target of the 127-qubit device: prints the seconds that it took.

    python bench/first_target.py local
    python bench/first_target.py remote ADDRESS

The imports come before the clock; LONGWIRE_CACHE_DIR says whether the Target is on disk.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable


def local() -> Callable[[], object]:
    """Builds it from the device's files."""
    from qiskit_ibm_runtime.fake_provider import FakeSherbrooke

    return lambda: FakeSherbrooke().target


def remote(address: str) -> Callable[[], object]:
    """Asks a Longwire server for it: connection, listing, Target."""
    from longwire import RemoteService

    return lambda: RemoteService(address).backend("fake_sherbrooke").target


if __name__ == "__main__":
    call = remote(sys.argv[2]) if sys.argv[1] == "remote" else local()
    begun = time.perf_counter()
    call()
    print(time.perf_counter() - begun)

"""Ray or Dask with a worker for each processor, where a user would run the same job as a task.

    python bench/task_servers.py ray|dask

Both are optional: `make bench-peers` installs them.
"""

from __future__ import annotations

import functools
import io
import os
import secrets
import signal
import sys
from importlib.util import find_spec
from typing import Any

WORKERS = 2
# The name of the package behind each.
PACKAGES = {"ray": "ray", "dask": "distributed"}


def set_ray_token() -> None:
    """Gives processes that are started from here on a token for a cluster of their own.

    Ray runs whatever it is sent and may ask for a token: this one is made anew for every
    run, and known to the cluster and its submitters alone.
    """
    os.environ["RAY_AUTH_MODE"] = "token"
    os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def is_installed(kind: str) -> bool:
    return find_spec(PACKAGES[kind]) is not None


@functools.cache
def simulator() -> Any:
    """One for all tasks of a worker, as anybody would write it who measures."""
    from qiskit_aer import AerSimulator

    return AerSimulator(max_parallel_threads=1)


def run_qpy(payload: bytes, shots: int) -> dict[str, int]:
    """The task: the circuit as bytes in, counts out."""
    from qiskit import qpy

    (circuit,) = qpy.load(io.BytesIO(payload))
    counts: dict[str, int] = simulator().run(circuit, shots=shots).result().get_counts()
    return counts


def start_ray() -> str:
    import ray

    context = ray.init(
        num_cpus=WORKERS,
        include_dashboard=False,
        object_store_memory=100_000_000,
        log_to_driver=False,
    )
    return str(context.address_info["address"])


def start_dask() -> str:
    from distributed import LocalCluster

    cluster = LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address=None)
    return str(cluster.scheduler_address)


def main(kind: str) -> None:
    # A signal ends the process in order, and the workers with it.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit())
    print(f"listening on {start_ray() if kind == 'ray' else start_dask()}", flush=True)
    signal.pause()


if __name__ == "__main__":
    main(sys.argv[1])

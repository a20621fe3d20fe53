"""What client processes do in tests of several clients at once.

In a module of its own, so that a process that is started by spawn can import it.
"""

from __future__ import annotations

from typing import Any

from circuits import asymmetric
from qiskit.primitives import PrimitiveResult

from longwire import RemoteBackend, RemoteProvider, RemoteService


def counts_with(backend: RemoteBackend, seed: int) -> dict[str, int]:
    """The counts of a run with a seed on a backend that came from elsewhere."""
    result = backend.run(asymmetric(), shots=300, seed_simulator=seed).result()
    counts: dict[str, int] = result.get_counts()
    return counts


def counts_at(address: str, seed: int) -> dict[str, int]:
    """The counts of a run with a seed, over a connection of its own."""
    with RemoteProvider(address) as provider:
        return counts_with(provider.get_backend("aer_simulator"), seed)


def result_of(address: str, job_id: str) -> dict[str, int]:
    """The counts of a job that somebody else submitted."""
    with RemoteProvider(address) as provider:
        counts: dict[str, int] = provider.job(job_id).result().get_counts()
        return counts


def primitive_result_of(address: str, job_id: str) -> PrimitiveResult[Any]:
    """The result of a sampler's or estimator's job that somebody else submitted."""
    with RemoteService(address) as service:
        result: PrimitiveResult[Any] = service.job(job_id).result()
        return result

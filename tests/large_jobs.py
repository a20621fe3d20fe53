"""Jobs of many circuits, and what came of them, by the process that ran each."""

from __future__ import annotations

import re
from pathlib import Path

from circuits import asymmetric, bell, several_registers
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from server_process import ServerProcess, wait_until


def large_job(
    number: int = 200, *, seconds: float = 0.01, folder: Path | None = None
) -> list[QuantumCircuit]:
    """Circuits of several kinds that make a program worth splitting."""
    circuits = []
    for index in range(number):
        circuit = (asymmetric, several_registers, bell)[index % 3]()
        circuit.name = f"circuit {index}"
        # It makes the program as large as that of longer circuits.
        circuit.metadata = {"seconds": seconds, "note": "x" * 400}
        if folder is not None:
            circuit.metadata["folder"] = str(folder)
        circuits.append(circuit)
    return circuits


def pids_of(result: object) -> list[int]:
    return [each.header["pid"] for each in result.results]  # type: ignore[attr-defined]


def counts_of(result: object) -> list[dict[str, int]]:
    return [each.data.counts for each in result.results]  # type: ignore[attr-defined]


def names_of(result: object) -> list[str]:
    return [each.header["name"] for each in result.results]  # type: ignore[attr-defined]


def local_counts(circuits: list[QuantumCircuit], **options: object) -> list[dict[str, int]]:
    """The counts of the same circuits in one run of Aer, in this process."""
    return counts_of(AerSimulator(max_parallel_threads=1).run(circuits, **options).result())


def helpers_of(server: ServerProcess, job_id: str) -> list[int]:
    """The process ids of the workers that have helped with a job, as they came."""
    return [int(pid) for pid in re.findall(rf"job {job_id}: worker (\d+) helps", server.log())]


def wait_until_ready(server: ServerProcess, num_workers: int) -> None:
    """Waits until as many workers as a server has wait for jobs, none of them ended."""

    def all_are() -> bool:
        ready = {int(pid) for pid in re.findall(r"worker (\d+) is ready", server.log())}
        return len(ready & set(server.worker_pids())) == num_workers

    wait_until(all_are)

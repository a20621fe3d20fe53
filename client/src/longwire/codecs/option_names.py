"""The names of run options: which are the operator's, and what to do about an unknown one."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from typing import Final

__all__ = ["OPERATOR_OPTIONS", "near_names", "unknown_name_hint"]

# Aer's options for threads, memory, devices and what runs in other processes: they
# belong to the worker and its limits, or decide over the whole machine.
OPERATOR_OPTIONS: Final = frozenset(
    {
        "accept_distributed_results",
        "batched_shots_gpu",
        "batched_shots_gpu_max_qubits",
        "blocking_enable",
        "blocking_qubits",
        "chunk_swap_buffer_qubits",
        "cuStateVec_enable",
        "device",
        "executor",
        "max_job_size",
        "max_memory_mb",
        "max_parallel_experiments",
        "max_parallel_shots",
        "max_parallel_threads",
        "max_shot_size",
        "mps_omp_threads",
        "num_threads_per_device",
        "use_cuTensorNet_autotuning",
    }
)


def near_names(name: str, known: Collection[str]) -> list[str]:
    """The known names that were perhaps meant, the nearest first."""
    if name in OPERATOR_OPTIONS:
        return []
    return difflib.get_close_matches(name, sorted(known), n=3)


def unknown_name_hint(name: str, known: Collection[str]) -> str:
    """What to do about an option that a backend does not have.

    Args:
        name: its name.
        known: the names of the options that the backend has.
    """
    if name in OPERATOR_OPTIONS:
        return "threads, memory and devices are set by the server's operator: leave it out"
    near = near_names(name, known)
    if near:
        return f"did you mean {' or '.join(near)}?"
    others = ", ".join(sorted(known))
    return f"it has {others or 'none beside shots, memory, seed_simulator and meas_level'}"

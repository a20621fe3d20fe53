"""The run options of Aer: which are the operator's, and which values the others take.

Aer accepts any name and many wrong values in silence (observed with qiskit-aer
0.18.2), so what it leaves open is written down here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from qiskit.providers import Options

# The types of options that are None where nothing is chosen.
TYPES: Final[Mapping[str, type]] = {
    "fusion_max_qubit": int,
    "fusion_threshold": int,
    "matrix_product_state_max_bond_dimension": int,
    "memory": bool,
    "seed_simulator": int,
    "validation_threshold": float,
}

# The values of options that take one of a few.
VALUES: Final[Mapping[str, tuple[str, ...]]] = {
    "extended_stabilizer_sampling_method": (
        "metropolis",
        "norm_estimation",
        "resampled_metropolis",
    ),
    "mps_sample_measure_algorithm": ("mps_apply_measure", "mps_heuristic", "mps_probabilities"),
    "mps_swap_direction": ("mps_swap_left", "mps_swap_right"),
    "precision": ("double", "single"),
}


# The least and the largest value of numbers: beyond these Aer takes memory or time
# without end, or computes nothing of use.
RANGES: Final[Mapping[str, tuple[float, float]]] = {
    "chop_threshold": (0, 1),
    "extended_stabilizer_approximation_error": (0.001, 1),
    "extended_stabilizer_metropolis_mixing_time": (1, 10_000_000),
    "extended_stabilizer_norm_estimation_repetitions": (1, 10_000),
    "extended_stabilizer_norm_estimation_samples": (1, 1_000_000),
    "extended_stabilizer_parallel_threshold": (1, 1_000_000),
    "extended_stabilizer_probabilities_snapshot_samples": (1, 10_000_000),
    # A fused gate is a matrix of 4 to this power.
    "fusion_max_qubit": (1, 10),
    "fusion_threshold": (0, 1000),
    "matrix_product_state_max_bond_dimension": (1, 1_000_000),
    "matrix_product_state_truncation_threshold": (0, 1),
    "mps_parallel_threshold": (0, 1_000_000),
    "stabilizer_max_snapshot_probabilities": (1, 62),
    "statevector_parallel_threshold": (1, 62),
    "statevector_sample_measure_opt": (0, 62),
    "tensor_network_num_sampling_qubits": (1, 62),
    "validation_threshold": (0, 1),
    "zero_threshold": (0, 1),
}


def are_aer_options(options: Options) -> bool:
    """Whether options are those of Aer, as they are on every backend that it runs."""
    return {"max_memory_mb", "max_parallel_threads"} <= set(options)


def available_methods() -> tuple[str, ...]:
    """Returns the simulation methods that Aer has on this machine."""
    from qiskit_aer import AerSimulator

    return tuple(AerSimulator().available_methods())


def is_noise_model(value: object) -> bool:
    """Whether a value can be the option ``noise_model``."""
    from qiskit_aer.noise import NoiseModel

    return isinstance(value, NoiseModel)


def state_memory_mb(memory_limit_mb: int) -> int:
    """Returns how much of a worker's memory Aer may fill with quantum states, in MiB.

    The rest is for Qiskit and Aer themselves, whose libraries and threads take
    1.9 GB of address space, and for circuits and results.
    """
    return max(memory_limit_mb - 2048, memory_limit_mb // 4)

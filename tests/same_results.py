"""Whether two results are the same but for what no two runs have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qiskit.primitives import BitArray, PrimitiveResult
from qiskit.quantum_info import Operator, Statevector, SuperOp
from qiskit.quantum_info.operators.base_operator import BaseOperator
from qiskit.quantum_info.states.densitymatrix import DensityMatrix
from qiskit.quantum_info.states.quantum_state import QuantumState
from qiskit.quantum_info.states.stabilizerstate import StabilizerState
from qiskit.result import Result

# When it ran, how long it took, and what the machine gave it.
_OF_THE_RUN = frozenset(
    {
        "date",
        "job_id",
        "max_gpu_memory_mb",
        "max_memory_mb",
        "omp_enabled",
        "parallel_experiments",
        "parallel_shots",
        "parallel_state_update",
        "qobj_id",
        "required_memory_mb",
        "sample_measure_time",
        "time_taken",
        "time_taken_execute",
        "time_taken_parameter_binding",
    }
)


def assert_same_results(remote: Result, local: Result) -> None:
    """Asserts that everything else is equal: types, order of keys and every bit of a number.

    Two things are left free: the order of outcomes, which Aer takes from a hash
    table that differs between processes, and Aer's own subclasses of Qiskit's
    states, which arrive as Qiskit's.
    """
    _assert_same(remote.to_dict(), local.to_dict(), "result")


def assert_same_primitive_results(remote: PrimitiveResult, local: PrimitiveResult) -> None:
    """Asserts the same of two results of samplers or estimators."""
    assert type(remote) is type(local)
    assert len(remote) == len(local)
    _assert_same(dict(remote.metadata), dict(local.metadata), "metadata")
    for index, (ours, theirs) in enumerate(zip(remote, local, strict=True)):
        place = f"pub {index}"
        assert type(ours) is type(theirs), place
        _assert_same(dict(ours.metadata), dict(theirs.metadata), f"{place}.metadata")
        assert ours.data.shape == theirs.data.shape, place
        assert list(ours.data) == list(theirs.data), place
        for name, value in theirs.data.items():
            _assert_same(ours.data[name], value, f"{place}.data.{name}")


def _assert_same(remote: Any, local: Any, place: str) -> None:
    is_state = isinstance(remote, QuantumState | BaseOperator)
    if not (is_state and isinstance(local, type(remote))):
        assert type(remote) is type(local), f"{place}: {type(remote)} is not {type(local)}"
    match local:
        case Mapping():
            names = _names(local)
            assert _names(remote) == names, place
            for name in names:
                _assert_same(remote[name], local[name], f"{place}[{name!r}]")
        case list() | tuple():
            _assert_same_sequence(remote, local, place)
        case np.ndarray():
            assert (remote.dtype, remote.shape) == (local.dtype, local.shape), place
            assert remote.tobytes() == local.tobytes(), place
        case BitArray():
            assert remote.num_bits == local.num_bits, place
            _assert_same(remote.array, local.array, f"{place}.array")
        case Statevector() | DensityMatrix() | Operator() | SuperOp():
            _assert_same(np.asarray(remote.data), np.asarray(local.data), f"{place}.data")
            assert remote._op_shape == local._op_shape, place
        case StabilizerState():
            _assert_same(remote.clifford.tableau, local.clifford.tableau, f"{place}.tableau")
        case _:
            # repr tells apart what == does not: -0.0 from 0.0, and NaN is itself.
            assert repr(remote) == repr(local), place


def _names(members: Mapping[Any, Any]) -> list[Any]:
    names = [name for name in members if name not in _OF_THE_RUN]
    are_outcomes = all(isinstance(name, str) and name.startswith("0x") for name in names)
    return sorted(names) if are_outcomes else names


def _assert_same_sequence(remote: Sequence[Any], local: Sequence[Any], place: str) -> None:
    assert len(remote) == len(local), place
    for index, (ours, theirs) in enumerate(zip(remote, local, strict=True)):
        _assert_same(ours, theirs, f"{place}[{index}]")

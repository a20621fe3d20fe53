"""Whether two Targets are the same, which Qiskit itself does not tell (it compares identity)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from qiskit.circuit import Gate, ParameterExpression
from qiskit.transpiler import Target

_ATTRIBUTES = (
    "description",
    "num_qubits",
    "dt",
    "granularity",
    "min_length",
    "pulse_alignment",
    "acquire_alignment",
    "concurrent_measurements",
)


def assert_same_targets(ours: Target, theirs: Target, *, in_order: bool = False) -> None:
    """Asserts that two Targets tell the same, to every bit of a number.

    Free parameters are equal by name. A gate of a producer's own class may have
    become a plain Gate.

    Args:
        ours: what came over the wire.
        theirs: what was sent.
        in_order: whether the operations are in the same order, too; producers that
            keep them in a set have another order in every process.
    """
    for name in _ATTRIBUTES:
        assert repr(getattr(ours, name)) == repr(getattr(theirs, name)), name
    names = list(theirs)
    assert list(ours) == names if in_order else sorted(ours) == sorted(names)
    _assert_same_qubits(ours.qubit_properties, theirs.qubit_properties)
    our_state, their_state = (each.__getstate__()["base"] for each in (ours, theirs))
    for name in names:
        assert_same_operations(
            ours.operation_from_name(name), theirs.operation_from_name(name), name
        )
        _assert_same_sites(ours[name], theirs[name], name)
        our_entry, their_entry = our_state["gate_map"][name], their_state["gate_map"][name]
        assert our_entry.get("angle_bounds") == their_entry.get("angle_bounds"), name
        # What Qiskit's native code keeps beside Python's map.
        _assert_same_sites(our_entry["properties"], their_entry["properties"], name)
    for index in ("global_operations", "qarg_gate_map"):
        assert our_state[index] == their_state[index], index
    assert _couplings(ours) == _couplings(theirs)
    assert ours.timing_constraints().__dict__ == theirs.timing_constraints().__dict__


def assert_same_operations(ours: Any, theirs: Any, place: str) -> None:
    """Asserts that two operations, or classes of operations, are the same."""
    if inspect.isclass(theirs):
        assert ours is theirs, place
        return
    our_class, their_class = ours.base_class, theirs.base_class
    if our_class is not their_class:
        assert not their_class.__module__.startswith(("qiskit.", "qiskit_aer.")), place
        assert issubclass(their_class, our_class), place
        assert isinstance(ours, Gate) == isinstance(theirs, Gate), place
    for name in ("name", "num_qubits", "num_clbits", "label", "ctrl_state", "unit"):
        assert getattr(ours, name, None) == getattr(theirs, name, None), f"{place}.{name}"
    assert len(ours.params) == len(theirs.params), place
    for our_parameter, their_parameter in zip(ours.params, theirs.params, strict=True):
        _assert_same_parameter(our_parameter, their_parameter, place)
    assert (ours.definition is None) == (theirs.definition is None), place


def _assert_same_parameter(ours: Any, theirs: Any, place: str) -> None:
    if isinstance(theirs, ParameterExpression):
        assert isinstance(ours, ParameterExpression), place
        assert str(ours) == str(theirs), place
    elif isinstance(theirs, np.ndarray):
        assert (ours.dtype, ours.tobytes()) == (theirs.dtype, theirs.tobytes()), place
    else:
        assert (type(ours), repr(ours)) == (type(theirs), repr(theirs)), place


def _assert_same_sites(
    ours: Mapping[Any, Any] | None, theirs: Mapping[Any, Any] | None, place: str
) -> None:
    assert (ours is None) == (theirs is None), place
    if ours is None or theirs is None:
        return
    assert list(ours) == list(theirs), place
    for qubits, properties in theirs.items():
        _assert_same_properties(ours[qubits], properties, f"{place}[{qubits}]")


def _assert_same_qubits(ours: Sequence[Any] | None, theirs: Sequence[Any] | None) -> None:
    assert (ours is None) == (theirs is None)
    for qubit, (our_entry, their_entry) in enumerate(zip(ours or (), theirs or (), strict=True)):
        _assert_same_properties(our_entry, their_entry, f"qubit {qubit}")


def _assert_same_properties(ours: Any, theirs: Any, place: str) -> None:
    assert type(ours) is type(theirs), place
    for name in ("duration", "error", "t1", "t2", "frequency"):
        # repr tells apart what == does not: -0.0 from 0.0, and NaN is itself.
        assert repr(getattr(ours, name, None)) == repr(getattr(theirs, name, None)), place
    assert getattr(ours, "__dict__", None) == getattr(theirs, "__dict__", None), place


def _couplings(target: Target) -> list[tuple[int, int]] | None:
    coupling_map = target.build_coupling_map()
    return None if coupling_map is None else sorted(coupling_map.get_edges())

"""One instruction of a Qobj as an operation of Qiskit 2, chosen by allow-list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from qiskit.circuit import Barrier, Delay, Instruction, Reset
from qiskit.circuit.library import Initialize, UnitaryGate
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import Kraus

from longwire.errors import InvalidQobjError
from longwire.qobj.complex_params import complex_matrix, complex_vector, real_number
from longwire.qobj.gates import build_gate, is_gate_name
from longwire.qobj.saves import SAVE_NAMES, build_save, snapshot_as_save
from longwire.qobj.steps import Step

__all__ = ["build_operation"]

_Built = list[tuple[Instruction, tuple[int, ...]]]

# Snapshots of these types, and the instructions that save a whole state, take all qubits.
_WHOLE_STATE = frozenset(
    {
        "save_clifford",
        "save_matrix_product_state",
        "save_stabilizer",
        "save_state",
        "save_statevector",
        "save_statevector_dict",
        "save_superop",
        "save_unitary",
    }
)


def build_operation(step: Step, num_qubits: int) -> _Built:
    """Builds what a step does to the qubits.

    Measurements and Boolean functions, which concern the classical bits, are not
    built here.

    Args:
        step: the step.
        num_qubits: number of qubits of the experiment.

    Returns:
        Operations in order, each with the indices of its qubits.

    Raises:
        InvalidQobjError: the name is not on the list, or a field does not fit it; the
            message begins with the instruction's place.
    """
    name, qubits, label, place = step.name, step.qubits, step.label, step.place
    if is_gate_name(name):
        gate, used = build_gate(name, step.params, len(qubits), label, place)
        return [(gate, qubits[:used])]
    if name == "snapshot" or name in SAVE_NAMES:
        return _build_save(step, num_qubits)
    _require_qubits(step)
    if name == "barrier":
        return [(Barrier(len(qubits), label=label), qubits)]
    if name == "reset":
        return [(Reset(label=label), (qubit,)) for qubit in qubits]
    if name == "delay":
        duration = _duration(step.params, place)
        return [(Delay(duration, unit="dt"), (qubit,)) for qubit in qubits]
    if name == "initialize":
        return [(_initialize(step.params, len(qubits), label, place), qubits)]
    if name == "unitary":
        return [(_unitary(step.params, len(qubits), label, place), qubits)]
    if name == "kraus":
        return [(_kraus(step.params, len(qubits), label, place), qubits)]
    raise InvalidQobjError(
        f"{place}: the instruction {name[:60]!r} is not one that a Qobj may hold; "
        "write the circuit in standard gates, for example with qiskit.transpile"
    )


def _require_qubits(step: Step) -> None:
    known = {"barrier", "reset", "delay", "initialize", "unitary", "kraus"}
    if step.name in known and not step.qubits:
        raise InvalidQobjError(f"{step.place}: {step.name!r} names no qubits")


def _build_save(step: Step, num_qubits: int) -> _Built:
    name, subtype = step.name, step.snapshot_type
    qubits = step.qubits
    if name == "snapshot":
        name, subtype = snapshot_as_save(subtype, step.place)
        if name in _WHOLE_STATE:
            qubits = ()
    if not qubits:
        qubits = tuple(range(num_qubits))
    save = build_save(name, subtype, step.label, step.params, len(qubits), step.place)
    return [(save, qubits)]


def _duration(params: Sequence[Any], place: str) -> int:
    if len(params) != 1:
        raise InvalidQobjError(f"{place}: 'delay' takes one parameter, its duration in dt")
    duration = real_number(params[0], f"{place}.params[0]")
    if duration < 0 or not duration.is_integer():
        raise InvalidQobjError(
            f"{place}.params[0]: a delay lasts a whole number of dt, not {duration}"
        )
    return int(duration)


def _initialize(
    params: Sequence[Any], num_qubits: int, label: str | None, place: str
) -> Initialize:
    """Builds an initialization to amplitudes, to a label such as ``+01``, or to an integer."""
    where = f"{place}.params"
    state: Any
    if params and all(isinstance(param, str) for param in params):
        state = "".join(params)
        if len(state) != num_qubits or set(state) - set("01+-lr"):
            raise InvalidQobjError(f"{where}: a label of {num_qubits} qubits is expected")
        initialize = Initialize(state)
    elif len(params) == 1:
        number = real_number(params[0], f"{where}[0]")
        if not number.is_integer() or not 0 <= number < 1 << num_qubits:
            raise InvalidQobjError(f"{where}[0]: no basis state of {num_qubits} qubits")
        initialize = Initialize(int(number), num_qubits)
    else:
        state = complex_vector(params, where)
        if len(state) != 1 << num_qubits:
            raise InvalidQobjError(
                f"{where}: {1 << num_qubits} amplitudes are expected, not {len(state)}"
            )
        norm = float(np.linalg.norm(state))
        if abs(norm - 1) > 1e-8:
            raise InvalidQobjError(f"{where}: the amplitudes' norm is {norm:.9g}, not 1")
        initialize = Initialize(state, normalize=True)
    initialize.label = label
    return initialize


def _unitary(params: Sequence[Any], num_qubits: int, label: str | None, place: str) -> UnitaryGate:
    if len(params) != 1:
        raise InvalidQobjError(f"{place}: 'unitary' takes one parameter, its matrix")
    matrix = complex_matrix(params[0], num_qubits, f"{place}.params[0]")
    try:
        return UnitaryGate(matrix, label=label)
    except (QiskitError, ValueError) as error:
        raise InvalidQobjError(f"{place}.params[0]: the matrix is not unitary") from error


def _kraus(params: Sequence[Any], num_qubits: int, label: str | None, place: str) -> Instruction:
    matrices = [
        complex_matrix(matrix, num_qubits, f"{place}.params[{number}]")
        for number, matrix in enumerate(params)
    ]
    if not matrices or not Kraus(matrices).is_cptp(atol=1e-6):
        raise InvalidQobjError(
            f"{place}.params: the Kraus operators do not make a trace-preserving channel"
        )
    return Instruction("kraus", num_qubits, 0, matrices, label=label)

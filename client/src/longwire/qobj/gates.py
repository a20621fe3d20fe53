"""The gates that a Qobj may name: an allow-list, never a method of QuantumCircuit.

Qiskit Terra called whatever method of a circuit an instruction named, so that a
Qobj could write a file (``draw``) or read one (``from_qasm_file``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from qiskit.circuit import Gate, Instruction
from qiskit.circuit.library import MCPhaseGate, MCXGate, get_standard_gate_name_mapping

from longwire.errors import InvalidQobjError
from longwire.qobj.complex_params import real_number

__all__ = ["ALIASES", "build_gate", "is_gate_name", "standard_gates"]

# Names of OpenQASM 2's built-in gates and of older Terra. u0(m), a wait of m
# cycles, is read as the identity, as Aer did.
ALIASES = {"U": "u", "CX": "cx", "u0": "id", "iden": "id"}

_MCX_NAMES = frozenset({"mcx", "mcx_gray", "mcx_recursive", "mcx_vchain"})
_MCP_NAMES = frozenset({"mcp", "mcphase", "mcu1"})


@cache
def standard_gates() -> dict[str, type[Gate]]:
    """Returns the class of each standard gate by its name."""
    return {
        name: operation.base_class
        for name, operation in get_standard_gate_name_mapping().items()
        if isinstance(operation, Gate)
    }


@cache
def _shapes() -> dict[str, tuple[int, int]]:
    """Returns the numbers of qubits and of parameters of each standard gate."""
    mapping = get_standard_gate_name_mapping()
    return {name: (mapping[name].num_qubits, len(mapping[name].params)) for name in mapping}


def is_gate_name(name: str) -> bool:
    """Tells whether a Qobj may name this gate."""
    return name in standard_gates() or name in ALIASES or name in _MCX_NAMES or name in _MCP_NAMES


def build_gate(
    name: str, params: Sequence[Any], num_qubits: int, label: str | None, place: str
) -> tuple[Instruction, int]:
    """Builds a gate by its name.

    Args:
        name: a name for which :func:`is_gate_name` holds.
        params: its parameters as the Qobj gives them.
        num_qubits: number of qubits that the instruction names.
        label: its label.
        place: where the instruction stands, for messages.

    Returns:
        The gate, and on how many of the instruction's qubits, the first ones, it acts.

    Raises:
        InvalidQobjError: the numbers of qubits or of parameters do not fit, or a
            parameter is no finite real number.
    """
    if name in _MCX_NAMES or name in _MCP_NAMES:
        return _build_multi_controlled(name, params, num_qubits, label, place)
    if name == "u0":
        params = params[1:]
    name = ALIASES.get(name, name)
    wanted_qubits, wanted_params = _shapes()[name]
    if num_qubits != wanted_qubits:
        raise InvalidQobjError(
            f"{place}: {name!r} acts on {wanted_qubits} qubits, but {num_qubits} are given"
        )
    numbers = _real_params(name, params, wanted_params, place)
    return standard_gates()[name](*numbers, label=label), num_qubits


def _build_multi_controlled(
    name: str, params: Sequence[Any], num_qubits: int, label: str | None, place: str
) -> tuple[Instruction, int]:
    """Builds a gate with controls first and the target next.

    ``mcx_recursive`` and ``mcx_vchain`` name clean helper qubits after the target.
    They leave these as they found them, so the gate is built without.
    """
    helpers = 0
    if name == "mcx_recursive" and num_qubits > 5:
        helpers = 1
    elif name == "mcx_vchain" and num_qubits > 3:
        # k controls, one target, k - 2 helpers: an odd number in all.
        if num_qubits % 2 == 0:
            raise InvalidQobjError(f"{place}: 'mcx_vchain' cannot have {num_qubits} qubits")
        helpers = (num_qubits + 1) // 2 - 2
    num_controls = num_qubits - helpers - 1
    if num_controls < 1:
        raise InvalidQobjError(f"{place}: {name!r} needs a control and a target qubit")
    if name in _MCX_NAMES:
        _real_params(name, params, 0, place)
        return MCXGate(num_controls, label=label), num_controls + 1
    (angle,) = _real_params(name, params, 1, place)
    return MCPhaseGate(angle, num_controls, label=label), num_controls + 1


def _real_params(name: str, params: Sequence[Any], wanted: int, place: str) -> list[float]:
    if len(params) != wanted:
        raise InvalidQobjError(
            f"{place}: {name!r} takes {wanted} parameters, but {len(params)} are given"
        )
    return [real_number(param, f"{place}.params[{number}]") for number, param in enumerate(params)]

"""Aer's ``save_*`` instructions, by name; snapshots of older documents where one fits.

Aer wrote them into a Qobj with the key of the data as ``label`` and the way of
collecting it as ``snapshot_type``: ``single``, ``list``, ``average``, ``accum``, each
also with ``c_`` before, for data by the classical memory at that moment.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from qiskit.circuit import Instruction
from qiskit.exceptions import QiskitError
from qiskit.quantum_info import SparsePauliOp

from longwire.errors import InvalidQobjError
from longwire.qobj.complex_params import real_number

__all__ = ["SAVE_CLASS_NAMES", "SAVE_NAMES", "build_save", "save_classes", "snapshot_as_save"]

# Names of Aer's instructions that save, with their classes in qiskit_aer.library: the
# only ones that are ever built from what came over the wire.
SAVE_CLASS_NAMES = {
    "save_amplitudes": "SaveAmplitudes",
    "save_amplitudes_sq": "SaveAmplitudesSquared",
    "save_clifford": "SaveClifford",
    "save_density_matrix": "SaveDensityMatrix",
    "save_expval": "SaveExpectationValue",
    "save_expval_var": "SaveExpectationValueVariance",
    "save_matrix_product_state": "SaveMatrixProductState",
    "save_probabilities": "SaveProbabilities",
    "save_probabilities_dict": "SaveProbabilitiesDict",
    "save_stabilizer": "SaveStabilizer",
    "save_state": "SaveState",
    "save_statevector": "SaveStatevector",
    "save_statevector_dict": "SaveStatevectorDict",
    "save_superop": "SaveSuperOp",
    "save_unitary": "SaveUnitary",
}
SAVE_NAMES = frozenset(SAVE_CLASS_NAMES)

# Snapshot type: the instruction that saves the same data, and its subtype. Snapshots
# of a state were kept for each shot, the others for each value of the memory.
_SNAPSHOTS = {
    "state": ("save_statevector", "list"),
    "statevector": ("save_statevector", "list"),
    "stabilizer": ("save_stabilizer", "list"),
    "density_matrix": ("save_density_matrix", "c_average"),
    "probabilities": ("save_probabilities_dict", "c_average"),
}

_AVERAGED = frozenset(
    {
        "save_amplitudes_sq",
        "save_density_matrix",
        "save_expval",
        "save_expval_var",
        "save_probabilities",
        "save_probabilities_dict",
    }
)
_PER_SHOT_ONLY = frozenset({"save_clifford", "save_superop", "save_unitary"})


@cache
def save_classes() -> dict[str, type[Instruction]]:
    """Returns the class of each instruction by its name; none where Aer is not installed."""
    try:
        import qiskit_aer.library as library  # optional, and slow to import
    except ImportError:
        return {}
    return {
        name: getattr(library, class_name)
        for name, class_name in SAVE_CLASS_NAMES.items()
        if hasattr(library, class_name)
    }


def snapshot_as_save(snapshot_type: Any, place: str) -> tuple[str, str]:
    """Returns name and subtype of the instruction that takes the same data as a snapshot.

    Raises:
        InvalidQobjError: no instruction does.
    """
    if not isinstance(snapshot_type, str) or snapshot_type not in _SNAPSHOTS:
        raise InvalidQobjError(
            f"{place}: no save instruction takes a snapshot of type {snapshot_type!r}; "
            f"known are {', '.join(sorted(_SNAPSHOTS))}"
        )
    return _SNAPSHOTS[snapshot_type]


def build_save(
    name: str,
    subtype: str | None,
    label: str | None,
    params: Sequence[Any],
    num_qubits: int,
    place: str,
) -> Instruction:
    """Builds one of Aer's save instructions.

    Args:
        name: one of :data:`SAVE_NAMES`.
        subtype: way of collecting the data; the instruction's default where None.
        label: key of the data in the result; the instruction's default where None.
        params: the basis states of amplitudes, or the Pauli terms of an expectation value.
        num_qubits: number of qubits.
        place: where the instruction stands, for messages.

    Raises:
        InvalidQobjError: Aer is not installed, or a field does not fit.
    """
    save_class = save_classes().get(name)
    if save_class is None:
        raise InvalidQobjError(f"{place}: {name!r} needs qiskit-aer, which is not installed")
    options: dict[str, Any] = _flags(name, subtype, place)
    if label is not None:
        options["label"] = label
    arguments: list[Any] = [num_qubits]
    if name.startswith("save_amplitudes"):
        arguments.append(_basis_states(params, num_qubits, place))
    elif name.startswith("save_expval"):
        arguments = [_operator(name, params, num_qubits, place)]
    build: Callable[..., Instruction] = save_class
    try:
        return build(*arguments, **options)
    except (QiskitError, TypeError, ValueError) as error:
        raise InvalidQobjError(f"{place}: {name!r} cannot be built: {error}") from error


def _flags(name: str, subtype: str | None, place: str) -> dict[str, bool]:
    """Returns the constructor's flags that give a subtype."""
    if subtype is None:
        return {}
    conditional, plain = subtype.startswith("c_"), subtype.removeprefix("c_")
    allowed = {"list", "average", "accum"} if name in _AVERAGED else {"list", "single"}
    if plain not in allowed or (conditional and name in _PER_SHOT_ONLY):
        raise InvalidQobjError(f"{place}.snapshot_type: {name!r} does not know {subtype!r}")
    flags = {"pershot": plain == "list"}
    if conditional:
        flags["conditional"] = True
    if plain == "accum":
        flags["unnormalized"] = True
    return flags


def _basis_states(params: Sequence[Any], num_qubits: int, place: str) -> list[int]:
    for number, state in enumerate(params):
        if (
            isinstance(state, bool)
            or not isinstance(state, int)
            or not 0 <= state < 1 << num_qubits
        ):
            raise InvalidQobjError(
                f"{place}.params[{number}]: a basis state of {num_qubits} qubits is expected, "
                f"not {state!r}"
            )
    return list(params)


def _operator(name: str, params: Sequence[Any], num_qubits: int, place: str) -> SparsePauliOp:
    """Reads ``[[pauli, [coefficient, coefficient for the variance]], ...]``.

    For ``save_expval`` the second number is 0; the first is the coefficient of the
    Pauli term in the operator. For ``save_expval_var`` the second is its coefficient
    in the operator's square, which follows from the first.
    """
    terms: list[tuple[str, float]] = []
    for number, term in enumerate(params):
        where = f"{place}.params[{number}]"
        if not isinstance(term, (list, tuple)) or len(term) != 2 or not isinstance(term[0], str):
            raise InvalidQobjError(f"{where}: a pair [pauli, [number, number]] is expected")
        pauli, coefficients = term
        if len(pauli) != num_qubits or set(pauli) - set("IXYZ"):
            raise InvalidQobjError(
                f"{where}: {num_qubits} letters of I, X, Y, Z are expected, not {pauli[:60]!r}"
            )
        if not isinstance(coefficients, (list, tuple)) or len(coefficients) != 2:
            raise InvalidQobjError(f"{where}: a pair of coefficients is expected")
        terms.append((pauli, real_number(coefficients[0], where)))
    if not terms:
        raise InvalidQobjError(f"{place}: {name!r} needs at least one Pauli term")
    return SparsePauliOp.from_list(terms)

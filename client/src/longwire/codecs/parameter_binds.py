"""The option ``parameter_binds`` of a run, as Aer takes it, in the form of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from longwire.codecs.failure import MisfitError
from longwire.codecs.parameter_values import fill_parameter_values
from longwire.v1 import program_pb2

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from longwire.errors import InvalidOptionError

__all__ = ["parameter_binds_to_proto"]


def parameter_binds_to_proto(
    circuits: object, parameter_binds: object
) -> list[program_pb2.ParameterValues]:
    """The values of ``parameter_binds``, one message a circuit, in the circuits' order.

    Args:
        circuits: what is run: one or many circuits, or OpenQASM texts.
        parameter_binds: for each circuit a dictionary from each of its parameters,
            or the parameter's name, to a number or to a list of numbers, one a
            point. The lists of a circuit are equally long; a single number holds
            at every point. (``AerSimulator.run`` takes lists alone, and no names.)

    Returns:
        One message a circuit, with values of shape ``(points, parameters)``. None
        at all where `parameter_binds` is empty.

    Raises:
        InvalidOptionError: it is no list of dictionaries, one a circuit.
        InvalidProgramError: a parameter has no value, is not the circuit's, or its
            values are no real numbers or too few. The message names the circuit
            and the parameter.
    """
    if parameter_binds is None or (
        isinstance(parameter_binds, (list, tuple)) and not parameter_binds
    ):
        return []
    listed = _listed(circuits)
    if not isinstance(parameter_binds, (list, tuple)) or not all(
        isinstance(binds, Mapping) for binds in parameter_binds
    ):
        raise _invalid(
            "parameter_binds must be a list of dictionaries, one a circuit, as in "
            f"[{{theta: [0.1, 0.2]}}], not {type(parameter_binds).__name__}"
        )
    if len(parameter_binds) != len(listed):
        raise _invalid(
            f"parameter_binds holds {len(parameter_binds)} dictionaries for {len(listed)} "
            "circuits: give one for each circuit, an empty one where it has no parameters"
        )
    return [
        _table(index, circuit, binds)
        for index, (circuit, binds) in enumerate(zip(listed, parameter_binds, strict=True))
    ]


def _listed(circuits: object) -> Sequence[QuantumCircuit | str]:
    from qiskit import QuantumCircuit

    if isinstance(circuits, (QuantumCircuit, str)):
        return [circuits]
    if isinstance(circuits, (list, tuple)):
        return circuits
    raise _invalid(
        f"parameter_binds goes with circuits; an object of type {type(circuits).__name__} "
        "has no parameters"
    )


def _table(
    index: int, circuit: QuantumCircuit | str, binds: Mapping[Any, Any]
) -> program_pb2.ParameterValues:
    from longwire.errors import InvalidProgramError

    # A text is parsed by the server alone, which then checks the names.
    place = f"circuit {index}" + ("" if isinstance(circuit, str) else f" ({circuit.name!r})")
    message = program_pb2.ParameterValues()
    try:
        if isinstance(circuit, str):
            by_name = {_name(key): value for key, value in binds.items()}
        else:
            by_name = _of_circuit(circuit, binds)
        fill_parameter_values(message, list(by_name), _array(by_name))
    except MisfitError as misfit:
        raise InvalidProgramError(f"{place}: {misfit}", reason="PROGRAM_INVALID") from misfit
    return message


def _of_circuit(circuit: QuantumCircuit, binds: Mapping[Any, Any]) -> dict[str, Any]:
    """The values by name, in the order of the circuit's parameters."""
    own = {parameter.name: parameter for parameter in circuit.parameters}
    given = {}
    for key, values in binds.items():
        name = _name(key)
        if name not in own:
            known = ", ".join(own) or "none"
            raise MisfitError(f"it has no parameter {name!r}; its parameters: {known}")
        if not isinstance(key, str) and key != own[name]:
            raise MisfitError(
                f"the parameter {name!r} given is another of the same name: take it from "
                "circuit.parameters, or give its name"
            )
        if name in given:
            raise MisfitError(f"the parameter {name!r} is given twice")
        given[name] = values
    missing = [name for name in own if name not in given]
    if missing:
        raise MisfitError(f"parameters without values in parameter_binds: {', '.join(missing)}")
    return {name: given[name] for name in own}


def _name(key: object) -> str:
    from qiskit.circuit import Parameter

    if isinstance(key, str):
        return key
    if isinstance(key, Parameter):
        return str(key.name)
    raise MisfitError(
        f"a key of parameter_binds is of type {type(key).__name__}: it must be a Parameter (of a "
        "ParameterVector, each element) or a parameter's name"
    )


def _array(by_name: Mapping[str, Any]) -> npt.NDArray[np.float64]:
    """The values of shape ``(points, parameters)``."""
    columns = {name: _column(name, values) for name, values in by_name.items()}
    lengths = {name: column.size for name, column in columns.items() if column.ndim}
    points = next(iter(lengths.values()), 1)
    for name, length in lengths.items():
        if length != points:
            first = next(iter(lengths))
            raise MisfitError(
                f"the list for parameter {name!r} has length {length}, that for {first!r} "
                f"{points}: all must be equally long"
            )
    array = np.empty((points, len(columns)))
    for place, column in enumerate(columns.values()):
        array[:, place] = column
    return array


def _column(name: str, values: object) -> npt.NDArray[np.generic]:
    try:
        column = np.asarray(values)
    except ValueError as error:  # lists of different lengths
        raise MisfitError(f"the values of parameter {name!r} are no numbers: {error}") from error
    if column.dtype.kind not in "biuf":
        if column.dtype.kind == "c":
            raise MisfitError(
                f"the values of parameter {name!r} are complex: they must be real numbers"
            )
        raise MisfitError(
            f"the values of parameter {name!r} are no numbers: give a number or a list of numbers"
        )
    if column.ndim > 1:
        raise MisfitError(
            f"the values of parameter {name!r} have the shape {column.shape}: give a number or a "
            "list of numbers"
        )
    if column.size == 0:
        raise MisfitError(f"the parameter {name!r} has no values: give at least one")
    return column


def _invalid(message: str) -> InvalidOptionError:
    from longwire.errors import InvalidOptionError

    return InvalidOptionError(message, reason="OPTION_INVALID")

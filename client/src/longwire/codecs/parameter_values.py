"""Values for the parameters of circuits: one circuit and an array in place of many circuits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from longwire.codecs.array import fill_array, read_array
from longwire.codecs.failure import MisfitError
from longwire.v1 import program_pb2

__all__ = [
    "fill_parameter_values",
    "parameter_values_from_proto",
    "parameter_values_to_proto",
    "read_parameter_values",
]


def parameter_values_to_proto(
    names: Sequence[str], values: npt.ArrayLike
) -> program_pb2.ParameterValues:
    """The message for values of named parameters.

    Args:
        names: the parameters, each once.
        values: real, finite numbers of shape ``(*points, len(names))``.

    Raises:
        CodecError: the numbers are complex, infinite or NaN, are not numbers, or
            do not match the names.
    """
    message = program_pb2.ParameterValues()
    try:
        fill_parameter_values(message, names, values)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__
    return message


def parameter_values_from_proto(
    message: program_pb2.ParameterValues,
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """The names of a message, and its values of shape ``(*points, len(names))``.

    Raises:
        CodecError: as :func:`parameter_values_to_proto`.
    """
    try:
        return read_parameter_values(message)
    except MisfitError as misfit:
        raise misfit.as_codec_error() from misfit.__cause__


def fill_parameter_values(
    message: program_pb2.ParameterValues, names: Sequence[str], values: npt.ArrayLike
) -> None:
    """As :func:`parameter_values_to_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    array = _checked(names, np.asarray(values))
    message.parameter_names.extend(names)
    fill_array(message.values, array)


def read_parameter_values(
    message: program_pb2.ParameterValues,
) -> tuple[list[str], npt.NDArray[np.float64]]:
    """As :func:`parameter_values_from_proto`, for a message that is part of another.

    Raises:
        MisfitError: see there.
    """
    names = list(message.parameter_names)
    return names, _checked(names, read_array(message.values))


def _checked(names: Sequence[str], array: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    if len(set(names)) != len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise MisfitError(f"the parameter {twice!r} is given twice")
    if array.dtype.kind not in "biuf":
        raise MisfitError(
            f"values of {array.dtype} are no parameter values: they must be real numbers"
        )
    if array.ndim == 0 or array.shape[-1] != len(names):
        raise MisfitError(
            f"values of shape {array.shape} are given for {len(names)} parameters: the last "
            "dimension must be the parameters"
        )
    if not np.isfinite(array).all():
        point = tuple(map(int, np.argwhere(~np.isfinite(array))[0]))
        raise MisfitError(
            f"the value {array[point]} of parameter {names[point[-1]]!r} at point "
            f"{point[:-1]} is not finite"
        )
    return array.astype(np.float64, copy=False)

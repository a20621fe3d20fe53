"""The options of samplers and estimators as messages, checked before they are sent."""

from __future__ import annotations

import math
from collections.abc import Mapping
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any

from longwire.codecs.failure import MisfitError
from longwire.codecs.value import fill_struct, read_struct
from longwire.v1 import primitive_pb2, value_pb2

if TYPE_CHECKING:
    from longwire.errors import InvalidOptionError

__all__ = [
    "checked_precision",
    "checked_shots",
    "estimator_options_from_proto",
    "estimator_options_to_proto",
    "sampler_options_from_proto",
    "sampler_options_to_proto",
]

_INT64_BOUND = 2**63


def sampler_options_to_proto(
    *,
    default_shots: int | None = None,
    seed_simulator: int | None = None,
    run_options: Mapping[str, object] | None = None,
) -> primitive_pb2.SamplerOptions:
    """The message for a sampler's options; None leaves one to the backend.

    Raises:
        InvalidOptionError: an option has the wrong type or range, or cannot be sent.
    """
    message = primitive_pb2.SamplerOptions()
    if default_shots is not None:
        message.default_shots = checked_shots("default_shots", default_shots)
    _fill_shared(message, seed_simulator, run_options)
    return message


def sampler_options_from_proto(message: primitive_pb2.SamplerOptions) -> dict[str, Any]:
    """The options by name: those alone that are set, ``run_options`` if there are any.

    Raises:
        InvalidOptionError: an option is out of range.
        CodecError: a backend's option cannot be read.
    """
    options: dict[str, Any] = {}
    if message.HasField("default_shots"):
        options["default_shots"] = checked_shots("default_shots", message.default_shots)
    return options | _read_shared(message)


def estimator_options_to_proto(
    *,
    default_precision: float | None = None,
    abelian_grouping: bool | None = None,
    seed_simulator: int | None = None,
    run_options: Mapping[str, object] | None = None,
) -> primitive_pb2.EstimatorOptions:
    """The message for an estimator's options; None leaves one to the backend.

    Raises:
        InvalidOptionError: an option has the wrong type or range, or cannot be sent.
    """
    message = primitive_pb2.EstimatorOptions()
    if default_precision is not None:
        message.default_precision = checked_precision("default_precision", default_precision)
    if abelian_grouping is not None:
        if not isinstance(abelian_grouping, bool):
            raise _invalid(f"abelian_grouping must be True or False, not {abelian_grouping!r:.100}")
        message.abelian_grouping = abelian_grouping
    _fill_shared(message, seed_simulator, run_options)
    return message


def estimator_options_from_proto(message: primitive_pb2.EstimatorOptions) -> dict[str, Any]:
    """The options by name: those alone that are set, ``run_options`` if there are any.

    Raises:
        InvalidOptionError: an option is out of range.
        CodecError: a backend's option cannot be read.
    """
    options: dict[str, Any] = {}
    if message.HasField("default_precision"):
        options["default_precision"] = checked_precision(
            "default_precision", message.default_precision
        )
    if message.HasField("abelian_grouping"):
        options["abelian_grouping"] = message.abelian_grouping
    return options | _read_shared(message)


def checked_shots(name: str, value: object) -> int:
    """A number of shots.

    Raises:
        InvalidOptionError: it is not a whole number of at least 1.
    """
    return _integer(name, value, 1)


def checked_precision(name: str, value: object) -> float:
    """A standard error that is aimed at; zero for an exact value.

    Raises:
        InvalidOptionError: it is not a finite number of at least 0.
    """
    number = math.nan if isinstance(value, bool) else _float(value)
    if not 0.0 <= number < math.inf:
        raise _invalid(f"{name} must be a finite number of at least 0, not {value!r:.100}")
    return number


def _fill_shared(
    message: primitive_pb2.SamplerOptions | primitive_pb2.EstimatorOptions,
    seed_simulator: int | None,
    run_options: Mapping[str, object] | None,
) -> None:
    if seed_simulator is not None:
        message.seed_simulator = _integer("seed_simulator", seed_simulator, 0)
    if run_options:
        _fill_run_options(message.run_options, run_options)


def _fill_run_options(message: value_pb2.StructValue, run_options: Mapping[str, object]) -> None:
    given = {name: value for name, value in run_options.items() if value is not None}
    try:
        fill_struct(message, given)
    except MisfitError as misfit:
        raise _invalid(f"the option {misfit.inside('run_options')}") from misfit


def _read_shared(
    message: primitive_pb2.SamplerOptions | primitive_pb2.EstimatorOptions,
) -> dict[str, Any]:
    options: dict[str, Any] = {}
    if message.HasField("seed_simulator"):
        options["seed_simulator"] = _integer("seed_simulator", message.seed_simulator, 0)
    try:
        run_options = read_struct(message.run_options)
    except MisfitError as misfit:
        raise misfit.inside("run_options").as_codec_error() from misfit.__cause__
    return options | ({"run_options": run_options} if run_options else {})


def _float(value: object) -> float:
    return float(value) if isinstance(value, Real) else math.nan


def _integer(name: str, value: object, minimum: int) -> int:
    # Integral takes NumPy's integers too; True is an integer only by accident.
    is_integer = isinstance(value, Integral) and not isinstance(value, bool)
    if not is_integer or not minimum <= int(value) < _INT64_BOUND:  # type: ignore[call-overload]
        raise _invalid(
            f"{name} must be a whole number from {minimum} to {_INT64_BOUND - 1}, "
            f"not {value!r:.100}"
        )
    return int(value)  # type: ignore[call-overload, no-any-return]


def _invalid(message: str) -> InvalidOptionError:
    from longwire.errors import InvalidOptionError

    return InvalidOptionError(message, reason="OPTION_INVALID")

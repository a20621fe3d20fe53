"""The options of a run as a message: checked before anything is sent, and once more after."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import Enum
from numbers import Integral
from typing import TYPE_CHECKING, Any

from longwire.codecs.failure import MisfitError
from longwire.codecs.value import fill_value, read_struct
from longwire.v1 import program_pb2

if TYPE_CHECKING:
    from longwire.errors import InvalidOptionError

__all__ = ["run_options_from_proto", "run_options_to_proto"]

_UINT64_BOUND = 2**64

# Qiskit's numbers and words beside the wire's.
_MEAS_LEVELS: dict[int, program_pb2.MeasLevel.ValueType] = {
    0: program_pb2.MEAS_LEVEL_RAW,
    1: program_pb2.MEAS_LEVEL_KERNELED,
    2: program_pb2.MEAS_LEVEL_CLASSIFIED,
}
_MEAS_RETURNS: dict[str, program_pb2.MeasReturn.ValueType] = {
    "single": program_pb2.MEAS_RETURN_SINGLE,
    "avg": program_pb2.MEAS_RETURN_AVERAGE,
}


def run_options_to_proto(circuits: object = None, /, **options: object) -> program_pb2.RunOptions:
    """The message for the keyword arguments of ``backend.run``.

    An option that is None is left to the backend's default, as Qiskit's
    primitives expect of ``seed_simulator``.

    Args:
        circuits: what is run; needed for ``parameter_binds`` alone.
        options: ``shots``, ``memory``, ``seed_simulator``, ``meas_level``,
            ``meas_return``, ``save_statevector`` and ``parameter_binds``, which are
            checked here; every other goes to the backend as it is and is checked there.

    Raises:
        InvalidOptionError: an option has the wrong type or range, or cannot be
            sent.
        InvalidProgramError: ``parameter_binds`` does not fit the circuits.
    """
    message = program_pb2.RunOptions()
    for name, value in options.items():
        if value is None:
            continue
        setter = _SETTERS.get(name)
        if setter is not None:
            setter(message, value)
            continue
        if name == "parameter_binds":
            from longwire.codecs.parameter_binds import parameter_binds_to_proto

            message.parameter_values.extend(parameter_binds_to_proto(circuits, value))
            continue
        field = message.backend_options.fields.add(name=name)
        try:
            fill_value(field.value, value, 1)
        except MisfitError as misfit:
            raise _invalid(f"the option {misfit.inside(name)}") from misfit
    return message


def run_options_from_proto(message: program_pb2.RunOptions) -> dict[str, Any]:
    """The keyword arguments of ``backend.run``.

    Options that the message leaves out are absent. ``counts_format`` is for the
    result's codec, ``parameter_values`` and ``save_statevector`` for the circuits:
    none is an option of the backend.

    Raises:
        InvalidOptionError: an option is of no known value, or given twice.
        CodecError: a backend's option cannot be read.
    """
    options: dict[str, Any] = {}
    for name in ("shots", "memory", "seed_simulator"):
        if message.HasField(name):
            options[name] = getattr(message, name)
    if options.get("shots") == 0:
        raise _invalid("shots must be at least 1, not 0")
    if message.meas_level:
        options["meas_level"] = _word(_MEAS_LEVELS, message.meas_level, "meas_level")
    if message.meas_return:
        options["meas_return"] = _word(_MEAS_RETURNS, message.meas_return, "meas_return")
    try:
        backend_options = read_struct(message.backend_options)
    except MisfitError as misfit:
        raise misfit.inside("options").as_codec_error() from misfit.__cause__
    for name in backend_options:
        if name in _SETTERS:
            raise _invalid(f"{name} has a field of its own: do not give it in backend_options")
        if name == "parameter_binds":
            raise _invalid(
                "parameter_binds travels as parameter_values: do not give it in backend_options"
            )
    options.update(backend_options)
    return options


def _set_shots(message: program_pb2.RunOptions, value: object) -> None:
    message.shots = _integer("shots", value, 1, "the number of times to run each circuit")


def _set_seed(message: program_pb2.RunOptions, value: object) -> None:
    message.seed_simulator = _integer("seed_simulator", value, 0, "a seed of at most 64 bits")


def _set_memory(message: program_pb2.RunOptions, value: object) -> None:
    message.memory = _boolean("memory", value)


def _set_save_statevector(message: program_pb2.RunOptions, value: object) -> None:
    message.save_statevector = _boolean("save_statevector", value)


def _set_meas_level(message: program_pb2.RunOptions, value: object) -> None:
    level = None if isinstance(value, bool) or not isinstance(value, Integral) else int(value)
    if level not in _MEAS_LEVELS:
        raise _invalid(f"meas_level must be 0 (raw), 1 (kerneled) or 2 (classified), not {value!r}")
    message.meas_level = _MEAS_LEVELS[level]


def _set_meas_return(message: program_pb2.RunOptions, value: object) -> None:
    word = value.value if isinstance(value, Enum) else value
    if not isinstance(word, str) or word not in _MEAS_RETURNS:
        raise _invalid(f"meas_return must be 'single' or 'avg', not {value!r}")
    message.meas_return = _MEAS_RETURNS[word]


def _boolean(name: str, value: object) -> bool:
    import numpy as np

    if not isinstance(value, (bool, np.bool_)):
        raise _invalid(f"{name} must be True or False, not {value!r}")
    return bool(value)


def _integer(name: str, value: object, minimum: int, meaning: str) -> int:
    # Integral takes NumPy's integers too; True is an integer only by accident.
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise _invalid(f"{name} must be an integer ({meaning}), not {value!r}")
    if not minimum <= int(value) < _UINT64_BOUND:
        raise _invalid(f"{name} must be at least {minimum} and below 2**64, not {value!r}")
    return int(value)


def _word(words: Mapping[Any, int], number: int, name: str) -> Any:
    for word, known in words.items():
        if known == number:
            return word
    raise _invalid(f"the value {number} of {name} is unknown to this server")


def _invalid(message: str) -> InvalidOptionError:
    from longwire.errors import InvalidOptionError

    return InvalidOptionError(message, reason="OPTION_INVALID")


_SETTERS: dict[str, Callable[[program_pb2.RunOptions, object], None]] = {
    "shots": _set_shots,
    "memory": _set_memory,
    "seed_simulator": _set_seed,
    "meas_level": _set_meas_level,
    "meas_return": _set_meas_return,
    "save_statevector": _set_save_statevector,
}

"""Checks of run options before a backend sees them."""

from __future__ import annotations

import copy
import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from qiskit.providers import Options

from longwire.codecs.option_names import OPERATOR_OPTIONS
from longwire.errors import InvalidOptionError
from longwire_server.backends import aer_options

# Seeds are 64-bit numbers with a sign in Aer.
_MAX_SEED: Final = 2**63 - 1
# What every backend without these options does anyway: asking for it is no error.
_IMPLIED: Final[Mapping[str, tuple[Any, ...]]] = {
    "init_qubits": (True,),
    "meas_level": (2,),
    "meas_return": ("avg", "single"),  # of no meaning at level 2
    "memory": (False,),
}
_KINDS: Final[Mapping[type, str]] = {
    bool: "True or False",
    int: "a whole number",
    float: "a number",
    str: "text",
}


class OptionRules:
    """The run options of one backend.

    Args:
        backend_name: the backend's hosted name.
        options: its options with their defaults and validators.
    """

    def __init__(self, backend_name: str, options: Options) -> None:
        self._backend_name = backend_name
        self._options = options
        self._is_aer = aer_options.are_aer_options(options)
        self._values: dict[str, Sequence[str]] = {}
        if self._is_aer:
            self._values = {**aer_options.VALUES, "method": aer_options.available_methods()}

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the options that a job may set, in alphabetical order."""
        return tuple(sorted(name for name in self._options if not self._is_operators(name)))

    def default(self, name: str) -> Any:
        """Returns what an option is where a job does not set it; None where there is none."""
        return self._options.get(name)

    def checked(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the options of one job as the backend gets them.

        Options that are None are left out: the backend's default holds.

        Raises:
            InvalidOptionError: an option is unknown, the operator's, or wrong.
        """
        checked = {}
        for name, value in given.items():
            if value is None or (name not in self._options and is_implied(name, value)):
                continue
            self._check_name(name)
            check_value(name, value)
            self._check_type(name, value)
            self._check_choice(name, value)
            self._check_range(name, value)
            self._validate(name, value)
            checked[name] = value
        return checked

    def _is_operators(self, name: str) -> bool:
        return self._is_aer and name in OPERATOR_OPTIONS

    def _check_name(self, name: str) -> None:
        if self._is_operators(name):
            raise InvalidOptionError(
                f"the option {name!r} of backend {self._backend_name!r} belongs to the server's "
                "operator, who sets threads, memory and devices for every job; leave it out"
            )
        if name in self._options:
            return
        raise unknown_option(name, self._backend_name, self.names)

    def _check_type(self, name: str, value: Any) -> None:
        if self._is_aer and name == "noise_model" and not aer_options.is_noise_model(value):
            raise InvalidOptionError(
                f"the option 'noise_model' must be a qiskit_aer.noise.NoiseModel, not "
                f"{type(value).__name__}"
            )
        default = self._options[name]
        kind = aer_options.TYPES.get(name) if self._is_aer and default is None else type(default)
        if kind is None or kind not in _KINDS:
            return
        fits = isinstance(value, int | float) if kind is float else isinstance(value, kind)
        if not fits or (isinstance(value, bool) and kind is not bool):
            raise InvalidOptionError(
                f"the option {name!r} must be {_KINDS[kind]}, not {value!r:.100}"
            )
        if kind is float and not math.isfinite(value):
            raise InvalidOptionError(f"the option {name!r} must be finite, not {value!r}")

    def _check_choice(self, name: str, value: Any) -> None:
        choices = self._values.get(name)
        if choices is not None and value not in choices:
            near = get_close_matches(str(value), choices, n=1)
            hint = f"did you mean {near[0]!r}? It" if near else "it"
            raise InvalidOptionError(
                f"the option {name!r} cannot be {value!r:.100}; {hint} is one of "
                f"{', '.join(map(repr, choices))}"
            )

    def _check_range(self, name: str, value: Any) -> None:
        least, most = aer_options.RANGES.get(name, (None, None)) if self._is_aer else (None, None)
        if least is not None and most is not None and not least <= value <= most:
            raise InvalidOptionError(
                f"the option {name!r} must be from {least:,} to {most:,}, not {value!r:.100}"
            )

    def _validate(self, name: str, value: Any) -> None:
        """Applies the validators of Qiskit's Options, which assignments go around."""
        try:
            copy.copy(self._options).update_options(**{name: value})
        except (TypeError, ValueError) as error:
            raise InvalidOptionError(f"the option {name!r} is refused: {error}") from error


def is_implied(name: str, value: Any) -> bool:
    """Whether an option asks for what a backend does that does not know the option."""
    return value in _IMPLIED.get(name, ())


def unknown_option(name: str, backend_name: str, known: Sequence[str]) -> InvalidOptionError:
    """Returns the error for an option that a backend does not have, with the nearest ones."""
    if name == "memory":
        return InvalidOptionError(
            f"backend {backend_name!r} cannot return the outcome of every shot; "
            "leave memory out and read the counts"
        )
    near = get_close_matches(name, known, n=3)
    if near:
        hint = f"did you mean {', '.join(map(repr, near))}?"
    else:
        hint = f"it has {', '.join(known) or 'none'}"
    return InvalidOptionError(
        f"backend {backend_name!r} has no run option {name!r:.100}; {hint}",
        details={"near": ",".join(near)},
    )


def check_value(name: str, value: Any) -> None:
    """Checks the options whose meaning is the same on every backend.

    Raises:
        InvalidOptionError: the value cannot be used.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if name == "shots" and not (is_number and value >= 1):
        raise InvalidOptionError(f"shots must be a whole number of at least 1, not {value!r:.100}")
    if name == "memory" and not isinstance(value, bool):
        raise InvalidOptionError(f"memory must be True or False, not {value!r:.100}")
    if name == "seed_simulator" and not (is_number and 0 <= value <= _MAX_SEED):
        raise InvalidOptionError(
            f"seed_simulator must be a whole number from 0 to {_MAX_SEED}, not {value!r:.100}"
        )
    if name == "meas_level" and not (is_number and 0 <= value <= 2):
        raise InvalidOptionError(f"meas_level must be 0, 1 or 2, not {value!r:.100}")
    if name == "meas_return" and value not in ("single", "avg"):
        raise InvalidOptionError(f"meas_return must be 'single' or 'avg', not {value!r:.100}")

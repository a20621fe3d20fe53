"""The options of remote samplers and estimators."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, Self

from longwire.errors import InvalidOptionError

_UNKNOWN_HERE = {
    "backend_options": "give the backend's options in run_options",
    "seed": "it is seed_simulator",
}


@dataclass
class PrimitiveOptions:
    """What samplers and estimators have in common.

    Options can be read and assigned, as those of Qiskit's primitives; a job takes
    them as they are when it is submitted. Their values are checked then. None
    leaves an option to the backend.

    Attributes:
        seed_simulator: seed of the simulator's random numbers.
        run_options: the backend's own options, by name, such as ``method`` or
            ``noise_model`` on simulators of Aer.
        transpile: True has the server transpile the circuits for the backend first.
            The next three ask for the same.
        optimization_level: the transpiler's, 0 to 3.
        seed_transpiler: seed of the transpiler's random choices.
        initial_layout: the physical qubit for each qubit of the circuit.
    """

    seed_simulator: int | None = None
    run_options: Mapping[str, Any] | None = None
    transpile: bool | None = None
    optimization_level: int | None = None
    seed_transpiler: int | None = None
    initial_layout: Sequence[int] | None = None

    @classmethod
    def of(cls, options: Self | Mapping[str, Any] | None) -> Self:
        """Options in any of the forms in which they are given, as a new object.

        Raises:
            InvalidOptionError: an option is unknown.
        """
        if options is None:
            return cls()
        if isinstance(options, cls):
            return replace(options)
        if not isinstance(options, Mapping):
            raise InvalidOptionError(
                f"options must be a dictionary or {cls.__name__}, not {options!r:.100}"
            )
        for name in options:
            cls._check_name(name)
        return cls(**options)

    @classmethod
    def _check_name(cls, name: str) -> None:
        known = [field.name for field in fields(cls)]
        if name in known:
            return
        near = difflib.get_close_matches(str(name), known, n=3)
        # Of shots and of precision there is the default alone.
        near += [each for each in known if each == f"default_{name}" and each not in near]
        hint = _UNKNOWN_HERE.get(name) or (
            f"did you mean {' or '.join(near)}?"
            if near
            else f"there are {', '.join(known)}; options of the backend belong in run_options"
        )
        raise InvalidOptionError(
            f"{cls.__name__} has no option '{name}'; {hint}", details={"near": ",".join(near)}
        )

    def __setattr__(self, name: str, value: Any) -> None:
        self._check_name(name)
        super().__setattr__(name, value)


@dataclass
class SamplerOptions(PrimitiveOptions):
    """Options of a :class:`longwire.RemoteSampler`, beside those of all primitives.

    Attributes:
        default_shots: shots of pubs that state none, where ``run`` states none either.
    """

    # The default of Qiskit's and of Aer's sampler.
    default_shots: int = 1024


@dataclass
class EstimatorOptions(PrimitiveOptions):
    """Options of a :class:`longwire.RemoteEstimator`, beside those of all primitives.

    Attributes:
        default_precision: the standard error that is aimed at for pubs that state
            none, where ``run`` states none either. None leaves it to the backend:
            1/64 with most, zero (exact) with simulators of Aer.
        abelian_grouping: whether observables that commute qubit by qubit are
            measured together. None leaves it to the backend.
    """

    default_precision: float | None = None
    abelian_grouping: bool | None = None

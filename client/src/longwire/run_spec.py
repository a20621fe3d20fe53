"""From the arguments of ``backend.run`` to the job that is sent."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from longwire.codecs.program import program_to_proto
from longwire.codecs.run_options import run_options_to_proto
from longwire.errors import InvalidOptionError
from longwire.v1.backend_pb2 import Backend
from longwire.v1.job_pb2 import JobSpec
from longwire.v1.program_pb2 import TranspileOptions

_HIGHEST_LEVEL = 3
_HIGHEST_PRIORITY = 10
_SEED_BOUND = 2**64
_QUBIT_BOUND = 2**32


def run_spec(
    described: Backend,
    run_input: Any,
    *,
    options: Mapping[str, Any],
    transpilation: TranspileOptions | None = None,
    job_name: str = "",
    job_tags: Sequence[str] = (),
    max_run_seconds: float | None = None,
    max_queue_seconds: float | None = None,
    priority: int = 0,
) -> JobSpec:
    """The job that runs circuits as they are, or transpiled by the server.

    Args:
        described: what the server tells of the backend.
        run_input: one or many circuits or OpenQASM texts, or a QasmQobj or its dict.
        options: the run options by name, ``parameter_binds`` among them. None leaves
            an option to the backend.
        transpilation: how the server is to transpile; None leaves the circuits alone.
        job_name: a name for people.
        job_tags: labels by which the job is found again.
        max_run_seconds: how long an attempt may take; None leaves it to the server.
        max_queue_seconds: how long the job may wait in the queue; None for any time.
        priority: how urgent it is among its tenant's, -10 to 10.

    Raises:
        InvalidProgramError: the input cannot be sent to this backend.
        InvalidOptionError: an option's value is wrong.
    """
    check_labels(job_name, job_tags)
    spec = JobSpec(
        backend_name=described.name,
        options=run_options_to_proto(run_input, **options),
        name=job_name,
        tags=job_tags,
    )
    set_time_limits(spec, max_run_seconds=max_run_seconds, max_queue_seconds=max_queue_seconds)
    spec.priority = checked_priority(priority)
    spec.program.CopyFrom(
        program_to_proto(run_input, accepted_programs=described.accepted_programs)
    )
    if transpilation is not None:
        spec.transpile.CopyFrom(transpilation)
    return spec


def set_time_limits(spec: JobSpec, *, max_run_seconds: object, max_queue_seconds: object) -> None:
    """Writes into a job how long it may run and wait. None leaves it to the server.

    Raises:
        InvalidOptionError: one is no number above 0.
    """
    for name, seconds in (
        ("max_run_seconds", max_run_seconds),
        ("max_queue_seconds", max_queue_seconds),
    ):
        if seconds is None:
            continue
        # Real takes NumPy's numbers too; True is a number only by accident.
        if isinstance(seconds, bool) or not isinstance(seconds, Real):
            raise _invalid(f"{name} must be a number of seconds, not {seconds!r:.100}")
        if not 0 < float(seconds) < math.inf:
            raise _invalid(
                f"{name} must be above 0 and finite, not {seconds!r}; None is for no limit"
            )
        setattr(spec, name, float(seconds))


def checked_priority(priority: object) -> int:
    """A priority that a job can have.

    Raises:
        InvalidOptionError: it is no whole number from -10 to 10.
    """
    # As with the integers below.
    is_integer = isinstance(priority, Integral) and not isinstance(priority, bool)
    if not is_integer or abs(int(priority)) > _HIGHEST_PRIORITY:  # type: ignore[call-overload]
        raise _invalid(
            f"priority must be an integer from {-_HIGHEST_PRIORITY} to {_HIGHEST_PRIORITY}, "
            f"not {priority!r:.100}"
        )
    return int(priority)  # type: ignore[call-overload,no-any-return]


def check_labels(job_name: object, job_tags: object) -> None:
    """Refuses what cannot be a job's name and tags.

    Raises:
        InvalidOptionError: the name is no text, or the tags are no list of texts.
    """
    if not isinstance(job_name, str):
        raise _invalid(f"job_name must be text, not {job_name!r:.100}")
    if isinstance(job_tags, str):
        raise _invalid(f"job_tags must be a list of tags: write [{job_tags!r}]")
    if not isinstance(job_tags, Collection) or not all(isinstance(tag, str) for tag in job_tags):
        raise _invalid(f"job_tags must be a list of texts, not {job_tags!r:.100}")


def transpile_options(
    *,
    transpile: bool | None = None,
    optimization_level: int | None = None,
    seed_transpiler: int | None = None,
    initial_layout: Sequence[int] | None = None,
) -> TranspileOptions | None:
    """How the server is to transpile; None where it is not to.

    Args:
        transpile: whether it is to. None: where any of the others is given.
        optimization_level: Qiskit's, 0 to 3. None takes Qiskit's default.
        seed_transpiler: seed of the transpiler's random choices.
        initial_layout: the physical qubit for each qubit of the circuit, in order.

    Raises:
        InvalidOptionError: one has the wrong type or range, or is given although
            nothing is to be transpiled.
    """
    details = {
        "optimization_level": optimization_level,
        "seed_transpiler": seed_transpiler,
        "initial_layout": initial_layout,
    }
    given = [name for name, value in details.items() if value is not None]
    if transpile is not None and not isinstance(transpile, bool):
        raise _invalid(f"transpile must be True or False, not {transpile!r}")
    if not (given if transpile is None else transpile):
        if given:
            raise _invalid(f"transpile=False leaves no use for {given[0]}: leave one of them out")
        return None
    message = TranspileOptions()
    if optimization_level is not None:
        message.optimization_level = _integer(
            "optimization_level", optimization_level, _HIGHEST_LEVEL + 1
        )
    if seed_transpiler is not None:
        message.seed_transpiler = _integer("seed_transpiler", seed_transpiler, _SEED_BOUND)
    if initial_layout is not None:
        message.initial_layout.extend(_layout(initial_layout))
    return message


def _layout(initial_layout: object) -> list[int]:
    if isinstance(initial_layout, str) or not isinstance(initial_layout, Sequence):
        raise _invalid(
            "initial_layout must be a list of the physical qubits for the circuit's qubits, in "
            f"order, not {type(initial_layout).__name__}; transpile here for any other form"
        )
    qubits = [_integer("each of initial_layout", each, _QUBIT_BOUND) for each in initial_layout]
    if len(set(qubits)) != len(qubits):
        raise _invalid(f"initial_layout names a qubit twice: {qubits}")
    return qubits


def _integer(name: str, value: object, bound: int) -> int:
    # Integral takes NumPy's integers too; True is an integer only by accident.
    if isinstance(value, bool) or not isinstance(value, Integral) or not 0 <= int(value) < bound:
        raise _invalid(f"{name} must be an integer from 0 to {bound - 1}, not {value!r}")
    return int(value)


def _invalid(message: str) -> InvalidOptionError:
    return InvalidOptionError(message, reason="OPTION_INVALID")

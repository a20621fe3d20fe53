"""Which backends a configuration hosts. Runs in the server: nothing is loaded here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Final

from longwire_server.backends.spec import BackendSpec
from longwire_server.config import BackendSection, ConfigError, Problem, ServerConfig
from longwire_server.config.problems import did_you_mean, hint_or

__all__ = ["ENTRY_POINT_GROUP", "BackendSpec", "backend_specs", "is_simulation"]

ENTRY_POINT_GROUP: Final = "longwire.backends"

# Backends of ours that need an optional package. They are left out of the
# default set where it is missing; one that the configuration names is listed,
# and its loading then fails with the reason.
_NEEDS: Final[Mapping[str, str]] = {
    "longwire_server.backends.hosted:fake_sherbrooke": "qiskit_ibm_runtime",
}


# Simulators and device models, ours and those of others. What they tell never changes.
_SIMULATION_MODULES: Final = (
    "longwire_server.backends.hosted",
    "qiskit",
    "qiskit_aer",
    "qiskit_ibm_runtime.fake_provider",
)
# A driver's calibration changes in hours, whether the device works in minutes.
_REFRESH_SECONDS: Final = 60.0
# A simulation can be run again; a device must not run a program twice unasked.
_SIMULATOR_ATTEMPTS: Final = 3


def backend_specs(config: ServerConfig) -> tuple[BackendSpec, ...]:
    """Returns the backends that a configuration hosts, in its order.

    First come those that it names, then, where it includes them, the installed
    entry points of the group ``longwire.backends`` by name. A backend that the
    configuration names replaces the entry point of the same name.

    Raises:
        ConfigError: an entry point is not installed, or two packages give
            entry points of one name.
    """
    installed, problems = _installed()
    specs = {}
    for index, section in enumerate(config.backends):
        spec = _configured(section, installed)
        if spec is None:
            problems.append(_not_installed(config, index, installed))
        else:
            specs[spec.name] = spec
    if config.includes_entry_points:
        for name in sorted(installed.keys() - specs.keys()):
            if _is_usable(installed[name]):
                target = _target(installed[name])
                specs[name] = BackendSpec(
                    name=name,
                    target=target,
                    refresh_seconds=_refresh_seconds(target),
                    max_attempts=_max_attempts(target),
                )
    if problems:
        raise ConfigError(problems)
    return tuple(specs.values())


def _configured(section: BackendSection, installed: Mapping[str, EntryPoint]) -> BackendSpec | None:
    """Returns the backend of one ``[[backend]]``; None where its entry point is missing."""
    target = section.factory
    if target is None:
        entry_point = installed.get(section.entry_point or section.name)
        if entry_point is None:
            return None
        target = _target(entry_point)
    refresh_seconds, max_attempts = section.refresh_seconds, section.max_attempts
    return BackendSpec(
        name=section.name,
        target=target,
        arguments=section.arguments,
        pool=section.pool,
        max_shots=section.max_shots,
        description=section.description,
        refresh_seconds=_refresh_seconds(target) if refresh_seconds is None else refresh_seconds,
        max_attempts=_max_attempts(target) if max_attempts is None else max_attempts,
        time_limit_seconds=section.time_limit_seconds,
    )


def _not_installed(
    config: ServerConfig, index: int, installed: Mapping[str, EntryPoint]
) -> Problem:
    section = config.backends[index]
    member = "name" if section.entry_point is None else "entry_point"
    wanted = section.entry_point or section.name
    hint = did_you_mean(wanted, sorted(installed))
    return Problem(
        config.source.place(("backend", index, member)),
        f"backend[{index}].{member}",
        f"no installed package has an entry point {wanted!r} of the group {ENTRY_POINT_GROUP}; "
        + hint_or(hint, "write factory = 'package.module:callable'"),
    )


def _installed() -> tuple[dict[str, EntryPoint], list[Problem]]:
    """Returns the entry points of the group by name, and what is wrong with them."""
    found: dict[str, EntryPoint] = {}
    problems = []
    for entry_point in entry_points(group=ENTRY_POINT_GROUP):
        other = found.setdefault(entry_point.name, entry_point)
        if _target(other) != _target(entry_point):
            problems.append(
                Problem(
                    "the installed packages",
                    entry_point.name,
                    f"is an entry point of {_package(other)} and of {_package(entry_point)}, "
                    "which differ; uninstall one of the two",
                )
            )
    return found, problems


def _target(entry_point: EntryPoint) -> str:
    return f"{entry_point.module}:{entry_point.attr}"


def _refresh_seconds(target: str) -> float:
    """Returns how often a backend is described again where nobody has decided it."""
    return 0.0 if is_simulation(target) else _REFRESH_SECONDS


def _max_attempts(target: str) -> int:
    """Returns how often a job is begun at most where nobody has decided it."""
    return _SIMULATOR_ATTEMPTS if is_simulation(target) else 1


def is_simulation(target: str) -> bool:
    """Whether an import path is known to be that of a simulator or a device model."""
    module = target.partition(":")[0]
    return any(f"{module}.".startswith(f"{known}.") for known in _SIMULATION_MODULES)


def _package(entry_point: EntryPoint) -> str:
    return entry_point.dist.name if entry_point.dist is not None else "an unknown package"


def _is_usable(entry_point: EntryPoint) -> bool:
    needed = _NEEDS.get(_target(entry_point))
    return needed is None or find_spec(needed) is not None

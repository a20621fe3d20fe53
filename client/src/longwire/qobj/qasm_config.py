"""How a QASM Qobj is to be run: for all experiments, and for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np

from longwire.errors import InvalidQobjError
from longwire.qobj.calibrations import QasmExperimentCalibrations
from longwire.qobj.header import QobjDictField
from longwire.qobj.part import copy_value, describe, integer
from longwire.qobj.pulse_library import PulseLibraryItem

__all__ = ["QasmQobjConfig", "QasmQobjExperimentConfig"]


class QasmQobjConfig(QobjDictField):
    """Options of every experiment of a Qobj. What was not given is not an attribute.

    Args:
        shots: number of shots.
        max_credits: credits to spend, once used by IBM's public devices.
        seed_simulator: seed of a simulator.
        memory: whether every shot's outcome is returned.
        parameter_binds: values of parameters; a Qobj with values has an empty list.
        memory_slots: memory slots, the most that any experiment needs.
        n_qubits: qubits, the most that any experiment needs.
        pulse_library: waveforms that the calibrations name.
        calibrations: pulses of gates, common to all experiments.
        rep_delay: delay between shots: seconds, microseconds in a document.
        kwargs: anything else.

    Raises:
        InvalidQobjError: a number has a fraction, or ``memory`` is no truth value.
            (The original read the text ``"False"`` as true.)
    """

    def __init__(
        self,
        /,
        shots: int | None = None,
        max_credits: int | None = None,
        seed_simulator: int | None = None,
        memory: bool | None = None,
        parameter_binds: Sequence[Mapping[Any, Any]] | None = None,
        memory_slots: int | None = None,
        n_qubits: int | None = None,
        pulse_library: Sequence[PulseLibraryItem] | None = None,
        calibrations: QasmExperimentCalibrations | None = None,
        rep_delay: float | None = None,
        **kwargs: Any,
    ) -> None:
        given = {
            "shots": _optional_integer(shots, "shots"),
            "max_credits": _optional_integer(max_credits, "max_credits"),
            "seed_simulator": _optional_integer(seed_simulator, "seed_simulator"),
            "memory": None if memory is None else _truth(memory, "memory"),
            "parameter_binds": parameter_binds,
            "memory_slots": _optional_integer(memory_slots, "memory_slots"),
            "n_qubits": _optional_integer(n_qubits, "n_qubits"),
            "pulse_library": pulse_library,
            "calibrations": calibrations,
            "rep_delay": rep_delay,
        }
        super().__init__(**{name: value for name, value in given.items() if value is not None})
        self._set_fields(kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of the fields that are set."""
        return _config_to_dict(super().to_dict())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        return cls(**_config_fields(data))


class QasmQobjExperimentConfig(QobjDictField):
    """Options of one experiment, before those of its Qobj.

    Args:
        calibrations: pulses of gates in this experiment.
        kwargs: anything else.
    """

    def __init__(
        self, /, calibrations: QasmExperimentCalibrations | None = None, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if calibrations is not None:
            self.calibrations = calibrations

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of the fields that are set."""
        return _config_to_dict(super().to_dict())

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was."""
        return cls(**_config_fields(data))


def _config_to_dict(data: dict[str, Any]) -> dict[str, Any]:
    if isinstance(data.get("calibrations"), QasmExperimentCalibrations):
        data["calibrations"] = data["calibrations"].to_dict()
    if "pulse_library" in data:
        data["pulse_library"] = [
            item.to_dict() if isinstance(item, PulseLibraryItem) else item
            for item in data["pulse_library"]
        ]
    return data


def _config_fields(data: Mapping[str, Any]) -> dict[str, Any]:
    fields: dict[str, Any] = copy_value(data)
    if "calibrations" in fields:
        fields["calibrations"] = QasmExperimentCalibrations.from_dict(fields["calibrations"])
    if "pulse_library" in fields:
        library = fields["pulse_library"]
        fields["pulse_library"] = [PulseLibraryItem.from_dict(item) for item in library]
    return fields


def _optional_integer(value: Any, field: str) -> int | None:
    return None if value is None else integer(value, field)


def _truth(value: Any, field: str) -> bool:
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, int) and value in (0, 1):
        return value == 1
    raise InvalidQobjError(f"{field}: True or False is expected, not {describe(value)}")

"""How a pulse Qobj is to be run: for all experiments, and for one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from longwire.errors import InvalidQobjError
from longwire.qobj.header import QobjDictField
from longwire.qobj.part import copy_value, integer
from longwire.qobj.pulse_library import PulseLibraryItem

__all__ = ["PulseQobjConfig", "PulseQobjExperimentConfig"]

_REQUIRED = ("meas_level", "meas_return", "pulse_library", "qubit_lo_freq", "meas_lo_freq")


class PulseQobjConfig(QobjDictField):
    """Options of every experiment of a pulse Qobj. What was not given is not an attribute.

    Args:
        meas_level: how far measurements are processed: 0, 1 or 2.
        meas_return: ``"single"`` or ``"avg"``.
        pulse_library: the waveforms that instructions name.
        qubit_lo_freq: frequency of each qubit's drive oscillator, GHz.
        meas_lo_freq: frequency of each qubit's measurement oscillator, GHz.
        memory_slot_size: size of each memory slot for level 0.
        rep_time: time of one shot: seconds, microseconds in a document.
        rep_delay: delay between shots: seconds, microseconds in a document.
        shots: number of shots.
        max_credits: credits to spend, once used by IBM's public devices.
        seed_simulator: seed of a simulator.
        memory_slots: number of memory slots.
        kwargs: anything else.

    Raises:
        InvalidQobjError: a whole number is expected where none is.
    """

    pulse_library: Sequence[PulseLibraryItem]

    def __init__(
        self,
        /,
        meas_level: int,
        meas_return: str,
        pulse_library: Sequence[PulseLibraryItem],
        qubit_lo_freq: Sequence[float],
        meas_lo_freq: Sequence[float],
        memory_slot_size: int | None = None,
        rep_time: float | None = None,
        rep_delay: float | None = None,
        shots: int | None = None,
        max_credits: int | None = None,
        seed_simulator: int | None = None,
        memory_slots: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            meas_level=meas_level,
            meas_return=meas_return,
            pulse_library=pulse_library,
            qubit_lo_freq=qubit_lo_freq,
            meas_lo_freq=meas_lo_freq,
        )
        integers = {
            "shots": shots,
            "max_credits": max_credits,
            "seed_simulator": seed_simulator,
            "memory_slots": memory_slots,
        }
        optional = {
            "memory_slot_size": memory_slot_size,
            "rep_time": rep_time,
            "rep_delay": rep_delay,
            **{name: integer(value, name) for name, value in integers.items() if value is not None},
        }
        self._set_fields({name: value for name, value in optional.items() if value is not None})
        self._set_fields(kwargs)

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of the fields that are set."""
        data = super().to_dict()
        data["pulse_library"] = [item.to_dict() for item in self.pulse_library]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was.

        Raises:
            InvalidQobjError: a required field is missing.
        """
        fields: dict[str, Any] = copy_value(data)
        for name in _REQUIRED:
            if name not in fields:
                raise InvalidQobjError(f"{cls.__name__}: the field {name!r} is missing")
        library = fields["pulse_library"]
        fields["pulse_library"] = [PulseLibraryItem.from_dict(item) for item in library]
        return cls(**fields)


class PulseQobjExperimentConfig(QobjDictField):
    """Options of one pulse experiment, before those of its Qobj.

    Args:
        qubit_lo_freq: frequency of each qubit's drive oscillator, GHz.
        meas_lo_freq: frequency of each qubit's measurement oscillator, GHz.
        kwargs: anything else.
    """

    def __init__(
        self,
        /,
        qubit_lo_freq: Sequence[float] | None = None,
        meas_lo_freq: Sequence[float] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        if qubit_lo_freq is not None:
            self.qubit_lo_freq = qubit_lo_freq
        if meas_lo_freq is not None:
            self.meas_lo_freq = meas_lo_freq
        self._set_fields(kwargs)

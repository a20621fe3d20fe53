"""The calibrated pulses of a backend."""

from __future__ import annotations

from typing import Any

from longwire.providers.models.command import Command
from longwire.providers.models.document import part_from, parts_from
from longwire.providers.models.measurement import Discriminator, MeasurementKernel
from longwire.providers.models.pulse_library import PulseLibraryItem
from longwire.providers.models.quantities import QuantityDocument, in_si_units

__all__ = ["PulseDefaults"]


class PulseDefaults(QuantityDocument):
    """The frequencies, pulses and sequences of pulses that a backend's owner calibrated.

    It is data: ``qiskit.pulse``, which could schedule it, left Qiskit in 2.0.0.
    The constructor and :meth:`from_dict` take frequencies in GHz; the attributes
    hold them in hertz, and :meth:`to_dict` turns them back.

    Args:
        qubit_freq_est: estimated frequency of each qubit, in GHz.
        meas_freq_est: estimated frequency of each readout resonator, in GHz.
        buffer: time between pulses, in units of dt.
        pulse_library: the pulses given by samples.
        cmd_def: the sequences behind the gates.
        meas_kernel: the measurement kernel used where nothing else is said.
        discriminator: the discriminator used where nothing else is said.
        kwargs: further members of the document.
    """

    _REQUIRED = ("qubit_freq_est", "meas_freq_est", "buffer", "pulse_library")
    _OPTIONAL = ("cmd_def", "meas_kernel", "discriminator")
    # Required by Qiskit's constructor, not by the schema.
    _DISPENSABLE = frozenset({"cmd_def"})
    _ERROR = "BackendConfigurationError"

    qubit_freq_est: list[float]
    meas_freq_est: list[float]
    buffer: int
    pulse_library: list[PulseLibraryItem]
    cmd_def: list[Command]
    meas_kernel: MeasurementKernel
    discriminator: Discriminator

    def __init__(
        self,
        /,
        qubit_freq_est: list[float],
        meas_freq_est: list[float],
        buffer: int,
        pulse_library: list[PulseLibraryItem],
        cmd_def: list[Command] | None,
        meas_kernel: MeasurementKernel | None = None,
        discriminator: Discriminator | None = None,
        **kwargs: Any,
    ) -> None:
        frequencies = {"qubit_freq_est": qubit_freq_est, "meas_freq_est": meas_freq_est}
        self._store(
            kwargs,
            **in_si_units(frequencies),
            buffer=buffer,
            pulse_library=pulse_library,
            cmd_def=cmd_def,
            meas_kernel=meas_kernel,
            discriminator=discriminator,
        )

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        parts: dict[str, Any] = {
            "pulse_library": parts_from(PulseLibraryItem, data["pulse_library"], "pulse_library")
        }
        if data.get("cmd_def") is not None:
            parts["cmd_def"] = parts_from(Command, data["cmd_def"], "cmd_def")
        if data.get("meas_kernel") is not None:
            parts["meas_kernel"] = part_from(MeasurementKernel, data["meas_kernel"], "meas_kernel")
        if data.get("discriminator") is not None:
            parts["discriminator"] = part_from(
                Discriminator, data["discriminator"], "discriminator"
            )
        return {**data, **parts}

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}({len(self.qubit_freq_est)} qubits, "
            f"{len(self.pulse_library)} pulses)>"
        )

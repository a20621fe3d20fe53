"""The configuration of a backend that can be controlled by pulses."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from longwire.providers.models.backend_configuration import QasmBackendConfiguration
from longwire.providers.models.document import rows_from
from longwire.providers.models.uchannel_lo import UchannelLO

__all__ = ["PulseBackendConfiguration", "configuration_class"]

_CONTROL_CHANNEL = re.compile(r"u([0-9]+)")


class PulseBackendConfiguration(QasmBackendConfiguration):
    """What a backend is that can be controlled by pulses.

    Newer documents lack fields that the constructor requires; :meth:`from_dict`
    takes them, and the attribute is then absent. ``qiskit.pulse`` left Qiskit in
    2.0.0, so channels go by their names: ``d0`` drives, ``u0`` controls, ``m0``
    measures, ``acquire0`` acquires.

    Args:
        backend_name: this and the next eleven as in
            :class:`QasmBackendConfiguration`.
        backend_version: see there.
        n_qubits: see there.
        basis_gates: see there.
        gates: see there.
        local: see there.
        simulator: see there.
        conditional: see there.
        open_pulse: see there.
        memory: see there.
        max_shots: see there.
        coupling_map: see there.
        n_uchannels: number of control channels.
        u_channel_lo: for each control channel, the terms of its local oscillator.
        meas_levels: measurement levels: 0 raw, 1 kerneled, 2 classified.
        qubit_lo_range: [lowest, highest] frequency of each qubit's drive, in GHz.
        meas_lo_range: [lowest, highest] frequency of each measurement, in GHz.
        dt: sampling interval of drive and control channels, in ns.
        dtm: sampling interval of measurement channels, in ns.
        rep_times: times between shots, in µs.
        meas_kernels: names of the measurement kernels.
        discriminators: names of the discriminators.
        hamiltonian: ``h_latex``, ``h_str``, ``vars`` (numbers in GHz), ``osc``.
        channel_bandwidth: [lowest, highest] frequency of each channel, in GHz.
        acquisition_latency: of shape (n_qubits, n_registers), in units of dt.
        conditional_latency: of shape (channels, n_registers), in units of dt.
        meas_map: groups of qubits that are measured together.
        channels: each channel by its name, with its type, purpose and qubits.
        kwargs: further fields of :class:`QasmBackendConfiguration`, and further
            members of the document.
    """

    _PULSE_FIELDS = (
        "n_uchannels",
        "u_channel_lo",
        "meas_levels",
        "qubit_lo_range",
        "meas_lo_range",
        "dt",
        "dtm",
        "rep_times",
        "meas_kernels",
        "discriminators",
    )
    _OPTIONAL: ClassVar[tuple[str, ...]] = (
        *QasmBackendConfiguration._OPTIONAL,
        *_PULSE_FIELDS,
        "hamiltonian",
        "channel_bandwidth",
        "acquisition_latency",
        "conditional_latency",
        "meas_map",
        "channels",
    )
    _DISPENSABLE = frozenset({"open_pulse", "coupling_map", *_PULSE_FIELDS})

    n_uchannels: int
    u_channel_lo: list[list[UchannelLO]]
    meas_levels: list[int]
    qubit_lo_range: list[list[float]]
    meas_lo_range: list[list[float]]
    dt: float
    dtm: float
    rep_times: list[float]
    meas_kernels: list[str]
    discriminators: list[str]
    hamiltonian: dict[str, Any] | None = None
    channel_bandwidth: list[list[float]]
    acquisition_latency: list[list[int]]
    conditional_latency: list[list[int]]
    meas_map: list[list[int]]
    channels: dict[str, Any]

    def __init__(
        self,
        /,
        backend_name: str,
        backend_version: str,
        n_qubits: int,
        basis_gates: list[str],
        gates: list[Any],
        local: bool,
        simulator: bool,
        conditional: bool,
        open_pulse: bool | None,
        memory: bool,
        max_shots: int,
        coupling_map: list[list[int]] | None,
        n_uchannels: int,
        u_channel_lo: list[list[UchannelLO]],
        meas_levels: list[int],
        qubit_lo_range: list[list[float]],
        meas_lo_range: list[list[float]],
        dt: float,
        dtm: float,
        rep_times: list[float],
        meas_kernels: list[str],
        discriminators: list[str],
        hamiltonian: dict[str, Any] | None = None,
        channel_bandwidth: list[list[float]] | None = None,
        acquisition_latency: list[list[int]] | None = None,
        conditional_latency: list[list[int]] | None = None,
        meas_map: list[list[int]] | None = None,
        channels: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        optional: dict[str, Any] = {
            "hamiltonian": hamiltonian,
            "channel_bandwidth": channel_bandwidth,
            "acquisition_latency": acquisition_latency,
            "conditional_latency": conditional_latency,
            "meas_map": meas_map,
            "channels": channels,
        }
        super().__init__(
            backend_name,
            backend_version,
            n_qubits,
            basis_gates,
            gates,
            local,
            simulator,
            conditional,
            open_pulse,
            memory,
            max_shots,
            coupling_map,
            n_uchannels=n_uchannels,
            u_channel_lo=u_channel_lo,
            meas_levels=meas_levels,
            qubit_lo_range=qubit_lo_range,
            meas_lo_range=meas_lo_range,
            dt=dt,
            dtm=dtm,
            rep_times=rep_times,
            meas_kernels=meas_kernels,
            discriminators=discriminators,
            **{name: value for name, value in optional.items() if value is not None},
            **kwargs,
        )

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        data = super()._parsed(data)
        if data.get("u_channel_lo") is not None:
            data["u_channel_lo"] = rows_from(UchannelLO, data["u_channel_lo"], "u_channel_lo")
        return data

    @property
    def sample_rate(self) -> float:
        """Samples of the drive channels in a second: 1/dt, in hertz."""
        return 1.0 / self.dt

    def drive(self, qubit: int) -> str:
        """The name of the qubit's drive channel.

        Raises:
            BackendConfigurationError: the backend has no such qubit.
        """
        return f"d{self._checked(qubit)}"

    def measure(self, qubit: int) -> str:
        """The name of the qubit's measurement channel.

        Raises:
            BackendConfigurationError: the backend has no such qubit.
        """
        return f"m{self._checked(qubit)}"

    def acquire(self, qubit: int) -> str:
        """The name of the qubit's acquisition channel.

        Raises:
            BackendConfigurationError: the backend has no such qubit.
        """
        return f"acquire{self._checked(qubit)}"

    def control(self, qubits: Iterable[int]) -> list[str]:
        """The names of the control channels of a pair (control qubit, target qubit).

        Raises:
            BackendConfigurationError: no control channel operates on them, or
                the configuration does not tell the channels.
        """
        pair = list(qubits)
        names = [name for name in self._operating_on(pair) if _CONTROL_CHANNEL.fullmatch(name)]
        if not names:
            raise self._failure(f"{self.backend_name} has no control channel on qubits {pair}")
        return names

    def get_channel_qubits(self, channel: str) -> list[int]:
        """The qubits on which a channel operates.

        Raises:
            BackendConfigurationError: there is no such channel, or the
                configuration does not tell the channels.
        """
        operands = self._channel_operands()
        if channel not in operands:
            raise self._failure(f"{self.backend_name} has no channel {channel!r}")
        return operands[channel]

    def get_qubit_channels(self, qubit: int | Iterable[int]) -> list[str]:
        """The names of the channels that operate on a qubit, or exactly on the qubits given.

        Raises:
            BackendConfigurationError: there is none, or the configuration does
                not tell the channels.
        """
        if isinstance(qubit, int):
            names = [name for name, qubits in self._channel_operands().items() if qubit in qubits]
        else:
            qubit = list(qubit)
            names = self._operating_on(qubit)
        if not names:
            raise self._failure(f"{self.backend_name} has no channel on qubit {qubit}")
        return names

    def describe(self, channel: str) -> dict[str, complex]:
        """A control channel's local oscillator: factors by the drive channels' names.

        Raises:
            BackendConfigurationError: the name is no control channel's, or the
                configuration has no ``u_channel_lo``.
        """
        control = _CONTROL_CHANNEL.fullmatch(channel)
        terms = getattr(self, "u_channel_lo", None) or []
        if control is None or int(control[1]) >= len(terms):
            raise self._failure(
                f"{channel!r} is not one of {self.backend_name}'s {len(terms)} control channels"
            )
        return {f"d{term.q}": term.scale for term in terms[int(control[1])]}

    def _checked(self, qubit: int) -> int:
        if not 0 <= qubit < self.n_qubits:
            raise self._failure(f"{self.backend_name} has {self.n_qubits} qubits, no qubit {qubit}")
        return qubit

    def _channel_operands(self) -> dict[str, list[int]]:
        channels = getattr(self, "channels", None)
        if channels is None:
            raise self._failure(f"{self.backend_name} does not tell its channels")
        return {name: channel["operates"]["qubits"] for name, channel in channels.items()}

    def _operating_on(self, qubits: list[int]) -> list[str]:
        return [name for name, operands in self._channel_operands().items() if operands == qubits]


def configuration_class(data: Mapping[str, Any]) -> type[QasmBackendConfiguration]:
    """The class for a configuration document: with pulses where it is open to them."""
    return PulseBackendConfiguration if data.get("open_pulse") else QasmBackendConfiguration

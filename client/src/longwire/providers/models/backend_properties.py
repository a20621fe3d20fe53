"""The properties of a backend: what was measured of it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from longwire.providers.models.document import Document, parts_from, rows_from
from longwire.providers.models.gate import Gate
from longwire.providers.models.nduv import Nduv

__all__ = ["BackendProperties"]

# A property's value in SI units, and when it was measured.
Measured = tuple[float, datetime]
# Gates by name, then by qubits.
GateIndex = dict[str, dict[tuple[int, ...], Gate]]

_BASE_UNITS = frozenset({"", "s", "Hz", "K"})
# Powers of ten above one, for those below it are no exact floating-point numbers.
_LARGE_PREFIXES = {"k": 1e3, "M": 1e6, "G": 1e9}
# Both letters for micro: the sign U+00B5 and the Greek U+03BC.
_SMALL_PREFIXES = {"p": 1e12, "n": 1e9, "u": 1e6, "\u00b5": 1e6, "\u03bc": 1e6, "m": 1e3}


class BackendProperties(Document):
    """What was measured of a backend: errors, times and frequencies of qubits and gates.

    The lookups return SI units: seconds and hertz. Those of gates use an index
    that is made once for a list: replace the list rather than change it.

    Args:
        backend_name: the backend's name.
        backend_version: its version, X.Y.Z.
        last_update_date: when something was last measured; ISO 8601 text becomes
            a datetime.
        qubits: the properties of each qubit, by index; a list may be empty.
        gates: the properties of each gate on each group of qubits.
        general: properties of the backend as a whole.
        kwargs: further members of the document.

    Raises:
        BackendPropertyError: the date is not ISO 8601.
    """

    _REQUIRED = (
        "backend_name",
        "backend_version",
        "last_update_date",
        "qubits",
        "gates",
        "general",
    )
    _DATES = frozenset({"last_update_date"})
    _ERROR = "BackendPropertyError"

    backend_name: str
    backend_version: str
    last_update_date: datetime
    qubits: list[list[Nduv]]
    gates: list[Gate]
    general: list[Nduv]

    def __init__(
        self,
        /,
        backend_name: str,
        backend_version: str,
        last_update_date: datetime | str,
        qubits: list[list[Nduv]],
        gates: list[Gate],
        general: list[Nduv],
        **kwargs: Any,
    ) -> None:
        self._store(
            kwargs,
            backend_name=backend_name,
            backend_version=backend_version,
            last_update_date=last_update_date,
            qubits=qubits,
            gates=gates,
            general=general,
        )
        self._indexed: tuple[list[Gate], GateIndex] | None = None

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        return {
            **data,
            "qubits": rows_from(Nduv, data["qubits"], "qubits"),
            "gates": parts_from(Gate, data["gates"], "gates"),
            "general": parts_from(Nduv, data["general"], "general"),
        }

    def qubit_property(self, qubit: int, name: str | None = None) -> Any:
        """A qubit's property, or all of them.

        Args:
            qubit: the qubit's index.
            name: the property's name, such as ``T1``.

        Returns:
            (value in SI units, date), or a dictionary of such pairs by name
            where no name is given.

        Raises:
            BackendPropertyError: there is no such qubit or property, or its unit
                is unknown.
        """
        return self._selected(self._qubit(qubit), name, f"qubit {qubit}")

    def gate_property(
        self, gate: str, qubits: int | Iterable[int] | None = None, name: str | None = None
    ) -> Any:
        """A gate's property, or all of them.

        Args:
            gate: the gate's name.
            qubits: the qubits on which it acts; None for all groups of qubits.
            name: the property's name, such as ``gate_error``; needs ``qubits``.

        Returns:
            (value in SI units, date); without ``name`` a dictionary of such
            pairs by name; without ``qubits`` a dictionary of these by qubits.

        Raises:
            BackendPropertyError: there is no such gate, group of qubits or
                property, its unit is unknown, or a name is given without qubits.
        """
        if qubits is not None:
            entry = self._gate(gate, qubits)
            return self._selected(entry.parameters, name, f"{gate} on {tuple(entry.qubits)}")
        if name is not None:
            raise self._failure(f"give the qubits on which {gate!r} acts to get its {name!r}")
        return {
            group: self._selected(entry.parameters, None, f"{gate} on {group}")
            for group, entry in self._groups(gate).items()
        }

    def t1(self, qubit: int) -> float:
        """The qubit's relaxation time T1, in seconds.

        Raises:
            BackendPropertyError: it is not there, or its unit is unknown.
        """
        return self._qubit_value(qubit, "T1")

    def t2(self, qubit: int) -> float:
        """The qubit's dephasing time T2, in seconds.

        Raises:
            BackendPropertyError: it is not there, or its unit is unknown.
        """
        return self._qubit_value(qubit, "T2")

    def frequency(self, qubit: int) -> float:
        """The qubit's frequency, in hertz.

        Raises:
            BackendPropertyError: it is not there, or its unit is unknown.
        """
        return self._qubit_value(qubit, "frequency")

    def readout_error(self, qubit: int) -> float:
        """The probability that the qubit is read wrongly.

        Raises:
            BackendPropertyError: it is not there.
        """
        return self._qubit_value(qubit, "readout_error")

    def readout_length(self, qubit: int) -> float:
        """How long a measurement of the qubit takes, in seconds.

        Raises:
            BackendPropertyError: it is not there, or its unit is unknown.
        """
        return self._qubit_value(qubit, "readout_length")

    def gate_error(self, gate: str, qubits: int | Iterable[int]) -> float:
        """The probability that the gate goes wrong on these qubits.

        Raises:
            BackendPropertyError: it is not there.
        """
        value, _ = self.gate_property(gate, qubits, "gate_error")
        return float(value)

    def gate_length(self, gate: str, qubits: int | Iterable[int]) -> float:
        """How long the gate takes on these qubits, in seconds.

        Raises:
            BackendPropertyError: it is not there, or its unit is unknown.
        """
        value, _ = self.gate_property(gate, qubits, "gate_length")
        return float(value)

    def is_qubit_operational(self, qubit: int) -> bool:
        """Whether the qubit works; it does where nothing else is said.

        Raises:
            BackendPropertyError: there is no such qubit.
        """
        return _is_operational(self._qubit(qubit))

    def is_gate_operational(self, gate: str, qubits: int | Iterable[int] | None = None) -> bool:
        """Whether the gate works on these qubits; it does where nothing else is said.

        Without qubits: whether it works everywhere.

        Raises:
            BackendPropertyError: there is no such gate on these qubits.
        """
        entries = self._groups(gate).values() if qubits is None else [self._gate(gate, qubits)]
        return all(_is_operational(entry.parameters) for entry in entries)

    def faulty_qubits(self) -> list[int]:
        """The qubits that do not work."""
        return [
            qubit for qubit, parameters in enumerate(self.qubits) if not _is_operational(parameters)
        ]

    def faulty_gates(self) -> list[Gate]:
        """The gates that do not work, each on its qubits."""
        return [gate for gate in self.gates if not _is_operational(gate.parameters)]

    def _qubit(self, qubit: int) -> list[Nduv]:
        if not isinstance(qubit, int) or not 0 <= qubit < len(self.qubits):
            raise self._failure(
                f"{self.backend_name} has properties of {len(self.qubits)} qubits, "
                f"not of qubit {qubit!r}"
            )
        return self.qubits[qubit]

    def _gate(self, gate: str, qubits: int | Iterable[int]) -> Gate:
        group = (qubits,) if isinstance(qubits, int) else tuple(qubits)
        entry = self._groups(gate).get(group)
        if entry is None:
            raise self._failure(
                f"{self.backend_name} has no properties of {gate!r} on qubits {group}"
            )
        return entry

    def _groups(self, gate: str) -> dict[tuple[int, ...], Gate]:
        groups = self._index().get(gate)
        if groups is None:
            raise self._failure(f"{self.backend_name} has no properties of a gate {gate!r}")
        return groups

    def _index(self) -> GateIndex:
        if self._indexed is None or self._indexed[0] is not self.gates:
            index: GateIndex = {}
            for gate in self.gates:
                index.setdefault(gate.gate, {})[tuple(gate.qubits)] = gate
            self._indexed = (self.gates, index)
        return self._indexed[1]

    def _qubit_value(self, qubit: int, name: str) -> float:
        value, _ = self.qubit_property(qubit, name)
        return float(value)

    def _selected(self, parameters: list[Nduv], name: str | None, owner: str) -> Any:
        """One property by its name, or all by theirs."""
        if name is None:
            return {entry.name: self._measured(entry, owner) for entry in parameters}
        for entry in reversed(parameters):
            if entry.name == name:
                return self._measured(entry, owner)
        known = ", ".join(entry.name for entry in parameters) or "none"
        raise self._failure(
            f"{self.backend_name} has no property {name!r} of {owner}: it has {known}"
        )

    def _measured(self, entry: Nduv, owner: str) -> Measured:
        unit = entry.unit
        if unit in _BASE_UNITS:
            return entry.value, entry.date
        if unit[0] in _LARGE_PREFIXES:
            return entry.value * _LARGE_PREFIXES[unit[0]], entry.date
        if unit[0] in _SMALL_PREFIXES:
            return entry.value / _SMALL_PREFIXES[unit[0]], entry.date
        raise self._failure(f"{entry.name} of {owner} has the unit {unit!r}, which is unknown")

    def __repr__(self) -> str:
        return (
            f"<{type(self).__name__}({self.backend_name!r}, version {self.backend_version}, "
            f"{len(self.qubits)} qubits, {len(self.gates)} gates, "
            f"updated {self.last_update_date})>"
        )

    def _rows(self) -> list[tuple[str, object]]:
        return [
            ("backend_name", self.backend_name),
            ("backend_version", self.backend_version),
            ("last_update_date", str(self.last_update_date)),
            ("qubits", len(self.qubits)),
            ("gates", len(self.gates)),
            ("faulty_qubits", self.faulty_qubits()),
            *((entry.name, f"{entry.value} {entry.unit}") for entry in self.general),
        ]


def _is_operational(parameters: list[Nduv]) -> bool:
    return all(entry.value for entry in parameters if entry.name == "operational")

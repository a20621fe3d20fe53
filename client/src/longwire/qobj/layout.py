"""The qubits and classical bits of an experiment: how many, and in which registers.

Bit ``i`` of the circuit is memory slot ``i`` of the Qobj, and qubit ``i`` its qubit
``i``. Names come from the header where they cover all bits; a header may also
leave them out, or name some only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from qiskit.circuit import ClassicalRegister, QuantumCircuit, QuantumRegister

from longwire.errors import InvalidQobjError
from longwire.qobj.complex_params import real_number
from longwire.qobj.limits import MAX_MEMORY_SLOTS, MAX_QUBITS

__all__ = ["ExperimentLayout"]


@dataclass(frozen=True)
class ExperimentLayout:
    """The bits of one experiment.

    Attributes:
        qreg_sizes: name and size of each quantum register, in order.
        creg_sizes: name and size of each classical register, in order.
    """

    qreg_sizes: tuple[tuple[str, int], ...]
    creg_sizes: tuple[tuple[str, int], ...]

    @classmethod
    def read(
        cls,
        header: Mapping[str, Any],
        config: Mapping[str, Any],
        qobj_config: Mapping[str, Any],
        used: tuple[int, int],
        place: str,
    ) -> ExperimentLayout:
        """Reads the layout of an experiment.

        Args:
            header: header of the experiment.
            config: options of the experiment.
            qobj_config: options of the Qobj, which hold where the experiment has none.
            used: lowest numbers of qubits and memory slots that the instructions need.
            place: where the experiment stands, for messages.

        Raises:
            InvalidQobjError: the numbers contradict one another or are too large.
        """
        qregs = _Side("qreg_sizes", "qubit_labels", "n_qubits", "q", MAX_QUBITS, place)
        sources = (config, header), qobj_config
        qreg_sizes = qregs.sizes(header, *sources, used[0])
        taken = {name for name, _ in qreg_sizes}
        unnamed = "memory" if "c" in taken else "c"
        cregs = _Side(
            "creg_sizes", "clbit_labels", "memory_slots", unnamed, MAX_MEMORY_SLOTS, place
        )
        creg_sizes = cregs.sizes(header, *sources, used[1])
        for name, _ in creg_sizes:
            if name in taken:
                raise InvalidQobjError(
                    f"{place}.header: quantum and classical registers share the name {name!r}"
                )
        return cls(qreg_sizes, creg_sizes)

    def circuit(self, header: Mapping[str, Any], default_name: str, place: str) -> QuantumCircuit:
        """Returns an empty circuit with these registers and the header's name and phase.

        Raises:
            InvalidQobjError: the header's name, global_phase or metadata is wrong.
        """
        name = header.get("name", default_name)
        metadata = header.get("metadata")
        if not isinstance(name, str):
            raise InvalidQobjError(f"{place}.header.name: text is expected, not {name!r}")
        if metadata is not None and not isinstance(metadata, Mapping):
            raise InvalidQobjError(f"{place}.header.metadata: an object is expected")
        phase = real_number(header.get("global_phase", 0.0), f"{place}.header.global_phase")
        return QuantumCircuit(
            *(QuantumRegister(size, name) for name, size in self.qreg_sizes),
            *(ClassicalRegister(size, name) for name, size in self.creg_sizes),
            name=name,
            global_phase=phase,
            metadata=dict(metadata or {}),
        )


@dataclass(frozen=True)
class _Side:
    """The fields that describe the qubits, or those that describe the memory slots."""

    sizes_field: str
    labels_field: str
    count_field: str
    default_name: str
    limit: int
    place: str

    def sizes(
        self,
        header: Mapping[str, Any],
        own: Sequence[Mapping[str, Any]],
        shared: Mapping[str, Any],
        used: int,
    ) -> tuple[tuple[str, int], ...]:
        sizes = self._given_sizes(header)
        total = sum(size for _, size in sizes)
        count = self._count(own)
        if count is None:
            labels = header.get(self.labels_field)
            inherited = self._count([shared])
            labelled = len(labels) if isinstance(labels, (list, tuple)) else 0
            count = total or (max(used, labelled) if inherited is None else inherited)
        if count > self.limit:
            raise InvalidQobjError(
                f"{self.place}: {self.count_field} is {count}, more than {self.limit}"
            )
        if used > count:
            raise InvalidQobjError(
                f"{self.place}: an instruction uses index {used - 1}, but "
                f"{self.count_field} is {count}"
            )
        if sizes and total != count:
            raise InvalidQobjError(
                f"{self.place}.header.{self.sizes_field}: the sizes add up to {total}, but "
                f"{self.count_field} is {count}"
            )
        if sizes or not count:
            return sizes
        return self._labelled_sizes(header, count) or ((self.default_name, count),)

    def _count(self, sources: Sequence[Mapping[str, Any]]) -> int | None:
        for source in sources:
            value = source.get(self.count_field)
            if value is None:
                continue
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise InvalidQobjError(
                    f"{self.place}: {self.count_field} is {value!r}; a whole number is expected"
                )
            return value
        return None

    def _given_sizes(self, header: Mapping[str, Any]) -> tuple[tuple[str, int], ...]:
        where = f"{self.place}.header.{self.sizes_field}"
        entries = header.get(self.sizes_field)
        if entries is None:
            return ()
        if not isinstance(entries, (list, tuple)):
            raise InvalidQobjError(f"{where}: a list of pairs [name, size] is expected")
        sizes: dict[str, int] = {}
        for number, entry in enumerate(entries):
            if not _is_pair(entry) or entry[1] < 1:
                raise InvalidQobjError(f"{where}[{number}]: a pair [name, size] is expected")
            if entry[0] in sizes:
                raise InvalidQobjError(f"{where}[{number}]: the name {entry[0]!r} is given twice")
            sizes[entry[0]] = entry[1]
        return tuple(sizes.items())

    def _labelled_sizes(
        self, header: Mapping[str, Any], count: int
    ) -> tuple[tuple[str, int], ...] | None:
        """Sizes by the labels, where these name every bit and each register in one piece."""
        labels = header.get(self.labels_field)
        if not isinstance(labels, (list, tuple)) or len(labels) != count:
            return None
        sizes: dict[str, int] = {}
        last: str | None = None
        for label in labels:
            if not _is_pair(label):
                return None
            name, index = label
            if index != sizes.get(name, 0) or (name in sizes and name != last):
                return None
            sizes[name] = index + 1
            last = name
        return tuple(sizes.items())


def _is_pair(entry: Any) -> bool:
    return (
        isinstance(entry, (list, tuple))
        and len(entry) == 2
        and isinstance(entry[0], str)
        and bool(entry[0])
        and isinstance(entry[1], int)
        and not isinstance(entry[1], bool)
    )

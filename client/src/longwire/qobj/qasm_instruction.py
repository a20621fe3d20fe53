"""One instruction of a QASM experiment: a gate, a measurement, a Boolean function, ..."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from qiskit.circuit import ParameterExpression

from longwire.errors import InvalidQobjError
from longwire.qobj.part import QobjPart, copy_value, require

__all__ = ["QasmQobjInstruction"]


class QasmQobjInstruction(QobjPart):
    """One instruction. A field that was not given is not an attribute, as in Qiskit Terra.

    Args:
        name: name of the gate or operation.
        params: its parameters: numbers, or arrays for ``unitary`` and the like.
        qubits: indices of the qubits it acts on.
        register: register slots that ``measure`` writes, one for each qubit; for
            ``bfunc`` the single slot that takes its outcome.
        memory: memory slots that ``measure`` writes; for ``bfunc`` a single slot.
        condition: ``(register, value)``, for code that still builds circuits with it;
            no part of the schema.
        conditional: register slot; the instruction runs where its bit is 1.
        label: label of the instruction.
        mask: for ``bfunc`` the register slots that it looks at, as hexadecimal text.
        relation: for ``bfunc`` ``"=="`` or ``"!="``.
        val: for ``bfunc`` what the masked register is compared with, as hexadecimal text.
        snapshot_type: what ``snapshot`` takes; the subtype of Aer's ``save_*``.
    """

    _FIELDS = (
        "params",
        "qubits",
        "register",
        "memory",
        "_condition",
        "conditional",
        "label",
        "mask",
        "relation",
        "val",
        "snapshot_type",
    )
    # In the schema and its examples, but no arguments of the original constructor,
    # which broke on them.
    _DOCUMENT_FIELDS = ("texparams", "register_orig", "register_copy", "type")

    name: str
    params: Sequence[Any]
    qubits: Sequence[int]
    register: Sequence[int] | int
    memory: Sequence[int] | int
    conditional: int
    label: str
    mask: str
    relation: str
    val: str
    snapshot_type: str

    def __init__(
        self,
        name: str,
        params: Sequence[Any] | None = None,
        qubits: Sequence[int] | None = None,
        register: Sequence[int] | int | None = None,
        memory: Sequence[int] | int | None = None,
        condition: tuple[int, int] | None = None,
        conditional: int | None = None,
        label: str | None = None,
        mask: str | None = None,
        relation: str | None = None,
        val: str | None = None,
        snapshot_type: str | None = None,
    ) -> None:
        self.name = name
        given = (params, qubits, register, memory, condition, conditional, label)
        given += (mask, relation, val, snapshot_type)  # type: ignore[assignment]
        for field, value in zip(self._FIELDS, given, strict=True):
            if value is not None:
                setattr(self, field, value)

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of the fields that are set; bound parameters become floats."""
        data: dict[str, Any] = {"name": self.name}
        for field in (*self._FIELDS, *self._DOCUMENT_FIELDS):
            if hasattr(self, field):
                data[field] = copy_value(getattr(self, field))
        if "params" in data:
            data["params"] = [
                float(param) if isinstance(param, ParameterExpression) else param
                for param in data["params"]
            ]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was.

        Raises:
            InvalidQobjError: there is no name, or a field is unknown.
        """
        instruction = cls(require(data, "name", cls.__name__))
        for field, value in data.items():
            field = "_condition" if field == "condition" else field
            if field in cls._FIELDS or field in cls._DOCUMENT_FIELDS:
                if value is not None:
                    setattr(instruction, field, copy_value(value))
            elif field != "name":
                raise InvalidQobjError(
                    f"{cls.__name__} {instruction.name!r}: the field {field!r} is unknown"
                )
        return instruction

    def _repr_fields(self) -> dict[str, Any]:
        fields = (*self._FIELDS, *self._DOCUMENT_FIELDS)
        given = {
            field.lstrip("_"): getattr(self, field) for field in fields if hasattr(self, field)
        }
        return {"name": self.name, **given}

    def __str__(self) -> str:
        fields = self._repr_fields()
        lines = [f"Instruction: {fields.pop('name')}"]
        lines += [f"\t\t{name}: {value}" for name, value in fields.items()]
        return "\n".join(lines) + "\n"

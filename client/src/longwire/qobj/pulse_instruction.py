"""One instruction of a pulse experiment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from longwire.errors import InvalidQobjError
from longwire.qobj.measurement_option import QobjMeasurementOption
from longwire.qobj.part import QobjPart, copy_value, require

__all__ = ["PulseQobjInstruction"]


class PulseQobjInstruction(QobjPart):
    """One instruction. A field that was not given is not an attribute, as in Qiskit Terra.

    Args:
        name: name of the pulse or operation.
        t0: start in dt; required of every instruction but ``bfunc`` and ``copy``.
        ch: channel that it plays on.
        conditional: register slot; the instruction runs where its bit is 1.
        val: complex value of ``pv``, at most 1 in absolute value.
        phase: radians, of ``fc``, ``setp`` and ``shiftp``.
        duration: duration in dt.
        qubits: indices of the qubits that ``acquire`` measures.
        memory_slot: memory slots that ``acquire`` writes, one for each qubit.
        register_slot: register slots that ``acquire`` writes, one for each qubit.
        kernels: kernels of a measurement of level 1 or 2.
        discriminators: discriminators of a measurement of level 2.
        label: label of the instruction.
        type: what a ``snapshot`` takes.
        pulse_shape: shape of a parametric pulse.
        parameters: parameters of a parametric pulse; ``amp`` may be a pair ``[re, im]``.
        frequency: Hz, of ``sf``, or GHz in a document, of ``setf`` and ``shiftf``.
    """

    _FIELDS = (
        "ch",
        "conditional",
        "val",
        "phase",
        "frequency",
        "duration",
        "qubits",
        "memory_slot",
        "register_slot",
        "label",
        "type",
        "pulse_shape",
        "parameters",
    )
    # In the schema and its examples, but no arguments of the original constructor.
    _DOCUMENT_FIELDS = (
        "params",
        "mask",
        "relation",
        "register",
        "memory",
        "register_orig",
        "register_copy",
    )
    _OPTION_FIELDS = ("kernels", "discriminators")

    def __init__(
        self,
        name: str,
        t0: int | None,
        ch: str | None = None,
        conditional: int | None = None,
        val: complex | None = None,
        phase: float | None = None,
        duration: int | None = None,
        qubits: Sequence[int] | None = None,
        memory_slot: Sequence[int] | int | None = None,
        register_slot: Sequence[int] | int | None = None,
        kernels: Sequence[QobjMeasurementOption] | None = None,
        discriminators: Sequence[QobjMeasurementOption] | None = None,
        label: str | None = None,
        type: str | None = None,  # noqa: A002  the schema's word
        pulse_shape: str | None = None,
        parameters: Mapping[str, Any] | None = None,
        frequency: float | None = None,
    ) -> None:
        self.name = name
        given = {
            "t0": t0,
            "ch": ch,
            "conditional": conditional,
            "val": val,
            "phase": phase,
            "duration": duration,
            "qubits": qubits,
            "memory_slot": memory_slot,
            "register_slot": register_slot,
            "kernels": kernels,
            "discriminators": discriminators,
            "label": label,
            "type": type,
            "pulse_shape": pulse_shape,
            "parameters": parameters,
            "frequency": frequency,
        }
        for field, value in given.items():
            if value is not None:
                setattr(self, field, value)

    def to_dict(self) -> dict[str, Any]:
        """Returns a new dict of the fields that are set."""
        data: dict[str, Any] = {"name": self.name}
        for field in ("t0", *self._FIELDS, *self._DOCUMENT_FIELDS):
            if hasattr(self, field):
                data[field] = copy_value(getattr(self, field))
        for field in self._OPTION_FIELDS:
            if hasattr(self, field):
                data[field] = [option.to_dict() for option in getattr(self, field)]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Reads the dict form; ``data`` is left as it was.

        Raises:
            InvalidQobjError: there is no name or start, or a field is unknown.
        """
        name = require(data, "name", cls.__name__)
        timeless = name in ("bfunc", "copy")
        instruction = cls(name, data.get("t0") if timeless else require(data, "t0", f"{name!r}"))
        for field, value in data.items():
            if field in ("name", "t0") or value is None:
                continue
            if field in cls._OPTION_FIELDS:
                options = [QobjMeasurementOption.from_dict(option) for option in value]
                setattr(instruction, field, options)
            elif field == "parameters":
                instruction.parameters = _parameters(name, value)  # type: ignore[attr-defined]
            elif field in cls._FIELDS or field in cls._DOCUMENT_FIELDS:
                setattr(instruction, field, copy_value(value))
            else:
                raise InvalidQobjError(f"{cls.__name__} {name!r}: the field {field!r} is unknown")
        return instruction

    def __str__(self) -> str:
        fields = self._repr_fields()
        lines = [f"Instruction: {fields.pop('name')}"]
        lines += [f"\t\t{name}: {value}" for name, value in fields.items()]
        return "\n".join(lines) + "\n"


def _parameters(name: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Copies a parametric pulse's parameters, with its amplitude made complex."""
    copied: dict[str, Any] = copy_value(parameters)
    amplitude = copied.get("amp")
    if isinstance(amplitude, (list, tuple)):
        try:
            real, imag = amplitude
            copied["amp"] = complex(real, imag)
        except (TypeError, ValueError) as error:
            raise InvalidQobjError(
                f"pulse {name!r}: the amplitude is a pair of numbers [re, im], not {amplitude!r}"
            ) from error
    return copied

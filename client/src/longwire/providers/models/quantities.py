"""Units: documents hold nanoseconds, microseconds and gigahertz, models hold SI units.

Factors are powers of ten above one, by which is multiplied or divided: 1e9 is a
floating-point number exactly, 1e-9 is not, so that only one rounding is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Any, Self

from longwire.providers.models.document import Document, plain

__all__ = ["QuantityDocument", "in_document_units", "in_si_units"]

# The exponent of ten by which a document's number is multiplied to be in SI units.
_EXPONENTS = {
    "dt": -9,
    "dtm": -9,
    "rep_times": -6,
    "rep_delay_range": -6,
    "default_rep_delay": -6,
    "qubit_lo_range": 9,
    "meas_lo_range": 9,
    "channel_bandwidth": 9,
    "qubit_freq_est": 9,
    "meas_freq_est": 9,
}
_HAMILTONIAN_EXPONENT = 9


class QuantityDocument(Document):
    """A document with quantities: its attributes are in SI units."""

    def to_dict(self) -> dict[str, Any]:
        """The document: a new dictionary, with quantities in the document's units."""
        return in_document_units(super().to_dict())

    @classmethod
    def from_si_dict(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`to_si_dict`: every number comes back exactly.

        Raises:
            LongwireError: as :meth:`from_dict`.
        """
        document = in_document_units(data)
        model = cls.from_dict(document)
        for name, value in document.items():
            # Going to the document's unit and back may round; the original is at hand.
            if value is not data[name]:
                setattr(model, name, plain(data[name]))
        return model


def in_si_units(members: Mapping[str, Any]) -> dict[str, Any]:
    """A document's members with every known quantity in seconds or hertz."""
    return {name: _converted(name, value, 1) for name, value in members.items()}


def in_document_units(members: Mapping[str, Any]) -> dict[str, Any]:
    """A model's members with every known quantity in the document's unit."""
    return {name: _converted(name, value, -1) for name, value in members.items()}


def _converted(name: str, value: Any, sign: int) -> Any:
    if name in _EXPONENTS:
        return _shifted(value, sign * _EXPONENTS[name])
    # The variables of a Hamiltonian are in GHz; newer documents have none.
    if name == "hamiltonian" and isinstance(value, Mapping):
        return {
            key: _shifted(member, sign * _HAMILTONIAN_EXPONENT) if key == "vars" else member
            for key, member in value.items()
        }
    return value


def _shifted(value: Any, exponent: int) -> Any:
    """The numbers of a nested value times ten to the exponent; what is no number stays."""
    if isinstance(value, Real) and value is not True and value is not False:
        number = float(value)
        return number * 10.0**exponent if exponent > 0 else number / 10.0**-exponent
    if isinstance(value, list | tuple):
        return [_shifted(member, exponent) for member in value]
    if isinstance(value, Mapping):
        return {key: _shifted(member, exponent) for key, member in value.items()}
    return value

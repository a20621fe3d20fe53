"""Python values in the types that JSON has."""

from __future__ import annotations

import datetime
import math
from typing import Any


def jsonable(value: Any) -> Any:
    """A value in JSON's types.

    Complex numbers become [real, imaginary], arrays lists, bytes hexadecimal text
    and times ISO 8601. JSON has no NaN and no infinity: they become null.
    """
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, complex):
        return [jsonable(value.real), jsonable(value.imag)]
    if isinstance(value, dict):
        return {str(key): jsonable(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [jsonable(member) for member in value]
    if isinstance(value, datetime.datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    if hasattr(value, "tolist"):  # an array or a number of NumPy
        return jsonable(value.tolist())
    if hasattr(value, "data"):  # a state or an operator of qiskit.quantum_info
        return jsonable(value.data)
    if hasattr(value, "to_dict"):
        return jsonable(value.to_dict())
    return str(value)

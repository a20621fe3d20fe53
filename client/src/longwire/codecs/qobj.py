"""Qobj and their JSON form.

Reading is strict, since the text comes from strangers: UTF-8, bounded depth, no name
twice in an object, finite numbers, and the schema. Writing gives the form that the
Qobj specification wants, with complex numbers as pairs ``[re, im]``.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, NoReturn

import numpy as np
from qiskit.circuit import ParameterExpression

from longwire.errors import InvalidQobjError
from longwire.qobj import PulseQobj, QasmQobj
from longwire.qobj.complex_params import real_number
from longwire.qobj.limits import MAX_DEPTH
from longwire.qobj.validation import validate_document

__all__ = ["pulse_qobj_from_json", "qobj_from_dict", "qobj_from_json", "qobj_to_json"]


def qobj_from_json(document: bytes | str) -> QasmQobj:
    """Reads a QASM Qobj.

    Args:
        document: the JSON text; bytes are UTF-8.

    Returns:
        The Qobj, its schema_version kept.

    Raises:
        InvalidQobjError: it is no JSON, is nested too deep, has a name twice or a number
            that is not finite, or breaks the schema. The message gives the place.
    """
    return qobj_from_dict(_load(document))


def qobj_from_dict(document: Mapping[str, Any]) -> QasmQobj:
    """Reads the dict form of a QASM Qobj as strictly as its JSON form.

    Args:
        document: the dict form, which is left as it was; arrays may be NumPy's, and
            complex numbers Python's.

    Raises:
        InvalidQobjError: as :func:`qobj_from_json`.
    """
    _check_values(document)
    validate_document(document)
    return QasmQobj.from_dict(document)


def pulse_qobj_from_json(document: bytes | str) -> PulseQobj:
    """Reads a pulse Qobj, as strictly as :func:`qobj_from_json`.

    Args:
        document: the JSON text; bytes are UTF-8.

    Raises:
        InvalidQobjError: as :func:`qobj_from_json`.
    """
    data = _load(document)
    _check_values(data)
    validate_document(data)
    return PulseQobj.from_dict(data)


def qobj_to_json(qobj: QasmQobj | PulseQobj) -> bytes:
    """Writes a Qobj as UTF-8 JSON.

    Args:
        qobj: the Qobj.

    Raises:
        InvalidQobjError: it breaks the schema, or holds a value that JSON has no form
            for. The message gives the place.
    """
    document = _to_plain(qobj.to_dict(), "")
    validate_document(document)
    return json.dumps(document, allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode()


def _load(document: bytes | str) -> Any:
    try:
        text = document if isinstance(document, str) else bytes(document).decode("utf-8")
        return json.loads(
            text, object_pairs_hook=_object_of_unique_names, parse_constant=_refuse_constant
        )
    except UnicodeDecodeError as error:
        raise InvalidQobjError(f"the Qobj is no UTF-8 text: byte {error.start} is wrong") from error
    except json.JSONDecodeError as error:
        raise InvalidQobjError(f"the Qobj is no JSON: {error}") from error
    except RecursionError as error:
        raise InvalidQobjError(f"the Qobj is nested deeper than {MAX_DEPTH} levels") from error
    except ValueError as error:
        # Python refuses to read whole numbers of more than some thousand digits.
        raise InvalidQobjError("the Qobj holds a number that is too long") from error


def _object_of_unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InvalidQobjError(f"an object of the Qobj has the field {twice!r} twice")
    return fields


def _refuse_constant(word: str) -> NoReturn:
    raise InvalidQobjError(f"the Qobj holds {word}; only finite numbers are allowed")


def _check_values(document: Any) -> None:
    """Refuses what JSON syntax lets through: 1e400, deep nesting, half of a surrogate pair."""
    # The place is kept as (parent, name) and spelled out for a message only.
    stack: list[tuple[Any, Any, int]] = [(document, None, 1)]
    while stack:
        value, place, depth = stack.pop()
        if isinstance(value, (list, tuple, Mapping)):
            if depth > MAX_DEPTH:
                raise InvalidQobjError(f"{_spell(place)}: nested deeper than {MAX_DEPTH} levels")
            mapping = isinstance(value, Mapping)
            items = value.items() if isinstance(value, Mapping) else enumerate(value)
            for name, item in items:
                if mapping:
                    _check_scalar(name, place)
                if isinstance(item, (int, float, str)):
                    _check_scalar(item, (place, name))
                else:
                    stack.append((item, (place, name), depth + 1))
        else:
            _check_scalar(value, place)


def _check_scalar(value: Any, place: Any) -> None:
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidQobjError(f"{_spell(place)}: a finite number is expected")
    elif isinstance(value, str):
        if not value.isascii():
            try:
                value.encode()
            except UnicodeEncodeError as error:
                raise InvalidQobjError(f"{_spell(place)}: the text is no valid Unicode") from error
    elif isinstance(value, (complex, np.ndarray, np.number)) and not np.isfinite(value).all():
        raise InvalidQobjError(f"{_spell(place)}: finite numbers are expected")


def _spell(place: Any) -> str:
    parts: list[str] = []
    while place is not None:
        place, name = place
        parts.append(f"[{name}]" if isinstance(name, int) else f".{name}")
    return "".join(reversed(parts)).lstrip(".") or "the Qobj"


def _to_plain(value: Any, place: str, depth: int = 1) -> Any:
    """Returns a value made only of what JSON knows."""
    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, (float, np.floating)):
        if math.isfinite(value):
            return float(value)
        raise InvalidQobjError(f"{place}: a finite number is expected, not {value}")
    if isinstance(value, np.integer):
        return int(value)
    if isinstance(value, np.bool_):
        return bool(value)
    if isinstance(value, (complex, np.complexfloating)):
        return [_to_plain(float(part), place) for part in (value.real, value.imag)]
    if isinstance(value, ParameterExpression):
        return real_number(value, place)
    if depth > MAX_DEPTH:
        raise InvalidQobjError(f"{place}: nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, np.ndarray):
        value = value.tolist()
        if not isinstance(value, list):
            return _to_plain(value, place, depth)
    if isinstance(value, (list, tuple)):
        return [_to_plain(item, f"{place}[{n}]", depth + 1) for n, item in enumerate(value)]
    if isinstance(value, Mapping):
        return {
            _name(name, place): _to_plain(item, f"{place}.{name}".lstrip("."), depth + 1)
            for name, item in value.items()
        }
    raise InvalidQobjError(f"{place}: JSON has no form for {type(value).__name__}")


def _name(name: Any, place: str) -> str:
    if not isinstance(name, str):
        raise InvalidQobjError(f"{place}: the name of a field is text, not {name!r}")
    return name

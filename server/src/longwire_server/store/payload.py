"""A payload as its row has it: its bytes, or what is needed to read them from a file."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, Final, TypeAlias


@dataclasses.dataclass(frozen=True, slots=True)
class PayloadFile:
    """A payload that is too large for a row."""

    key: str
    """The file's name: 32 random hexadecimal characters."""

    size_bytes: int
    """Its size."""

    check: bytes
    """What it is checked by when it is read; see :mod:`longwire_server.store.payload_check`."""


Payload: TypeAlias = bytes | PayloadFile

COLUMNS: Final = ("payload", "file_key", "file_bytes", "file_check")


def payload_size(payload: Payload) -> int:
    """The size of a payload in bytes, wherever it is."""
    return payload.size_bytes if isinstance(payload, PayloadFile) else len(payload)


def payload_to_columns(payload: Payload) -> dict[str, Any]:
    """The columns of a row that has the payload."""
    if isinstance(payload, PayloadFile):
        return {
            "payload": b"",
            "file_key": payload.key,
            "file_bytes": payload.size_bytes,
            "file_check": payload.check,
        }
    return {"payload": payload, **dict.fromkeys(COLUMNS[1:])}


def payload_from_columns(columns: Mapping[Any, Any]) -> Payload:
    """The payload of a row's columns by name."""
    if columns["file_key"] is None:
        payload: bytes = columns["payload"]
        return payload
    return PayloadFile(columns["file_key"], columns["file_bytes"], columns["file_check"])

"""Which jobs a listing shows, and where its next page begins."""

from __future__ import annotations

import base64
import binascii
import dataclasses
import struct

from longwire.v1.job_pb2 import JobState

_CURSOR = struct.Struct(">q16s")


@dataclasses.dataclass(frozen=True, slots=True)
class Cursor:
    """The last job of a page: the next page holds what comes after it."""

    create_time_us: int
    job_id: str

    def to_token(self) -> str:
        """The cursor as an opaque page token."""
        packed = _CURSOR.pack(self.create_time_us, bytes.fromhex(self.job_id))
        return base64.urlsafe_b64encode(packed).decode().rstrip("=")

    @classmethod
    def from_token(cls, token: str) -> Cursor:
        """The cursor of a page token.

        Raises:
            ValueError: the token was not made by ``to_token``.
        """
        try:
            padded = token.encode() + b"=" * (-len(token) % 4)
            create_time_us, job_id = _CURSOR.unpack(
                base64.b64decode(padded, altchars=b"-_", validate=True)
            )
        except (binascii.Error, struct.error, UnicodeEncodeError) as error:
            raise ValueError("not a page token of this server") from error
        return cls(create_time_us, job_id.hex())


@dataclasses.dataclass(frozen=True, slots=True)
class JobQuery:
    """A filter over one tenant's jobs, or with None over all, the newest first."""

    tenant: str | None
    page_size: int = 100
    after: Cursor | None = None
    backend_name: str = ""
    states: frozenset[JobState.ValueType] = frozenset()
    tag: str = ""
    name: str = ""
    created_after_us: int | None = None
    created_before_us: int | None = None

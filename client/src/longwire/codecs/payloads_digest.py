"""The digest that stands for a program's payloads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

__all__ = ["payloads_digest"]


def payloads_digest(payloads: Iterable[bytes]) -> bytes:
    """What ``Program.payloads_sha256`` is for these payloads.

    SHA-256 over the payloads, each preceded by its length, so that no two lists
    of payloads run together.

    Returns:
        32 bytes.
    """
    digest = hashlib.sha256()
    for payload in payloads:
        digest.update(len(payload).to_bytes(8, "little"))
        digest.update(payload)
    return digest.digest()

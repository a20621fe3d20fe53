"""The payloads of a program apart from the rest of it, as they are kept by their digest.

What is in them stays opaque: only their first bytes, which say the version of a
QPY and how many circuits are in it, and their sizes are looked at.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence

from longwire.v1.program_pb2 import Program
from longwire_server.execution.wire_format import field_head

# As much as admission looks at: QPY's magic, version and number of circuits.
_HEAD_BYTES = 18
# What a head takes in memory: a bytes object, and its place in a tuple.
_HEAD_HELD_BYTES = 72


@dataclasses.dataclass(frozen=True, slots=True)
class Payloads:
    """All payloads of one program."""

    program: bytes
    """A serialised Program that holds them and nothing else."""

    heads: tuple[bytes, ...]
    """The first bytes of each."""

    size_bytes: int
    """Bytes of all together."""

    @property
    def held_bytes(self) -> int:
        """What they take in memory; many small ones take more than their bytes."""
        return len(self.program) + len(self.heads) * _HEAD_HELD_BYTES

    @classmethod
    def of(cls, payloads: Sequence[bytes]) -> Payloads:
        """The payloads as they are in a program."""
        number = Program.PAYLOADS_FIELD_NUMBER
        fields = (part for each in payloads for part in (field_head(number, len(each)), each))
        return cls(b"".join(fields), heads(payloads), sum(map(len, payloads)))

    @classmethod
    def from_program(cls, program: bytes) -> Payloads:
        """The payloads that were written as ``program``."""
        payloads = Program.FromString(program).payloads
        return cls(program, heads(payloads), sum(map(len, payloads)))


def heads(payloads: Iterable[bytes]) -> tuple[bytes, ...]:
    """The first bytes of each payload."""
    return tuple(payload[:_HEAD_BYTES] for payload in payloads)

"""Counts and memory of classified measurements, packed.

Backends give outcomes as hexadecimal text, ``0x1f``. That form is packed only
where unpacking gives the same text back: lower case, and no leading zeros, or, above 64
bits, those that Aer writes, whose words of 64 bits have all their digits but for the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import repeat

import numpy as np

from longwire.codecs.compression import compress, decompress
from longwire.codecs.failure import MisfitError
from longwire.v1 import program_pb2, result_pb2

__all__ = ["fill_counts", "fill_memory", "measured_bits", "read_counts", "read_memory"]

_UINT64_BOUND = 2**64
# Of Aer's words.
_WORD_BITS = 64


def measured_bits(header: object) -> int:
    """The number of classical bits that a circuit's header states, or 0."""
    if not isinstance(header, Mapping):
        return 0
    memory_slots = header.get("memory_slots")
    if type(memory_slots) is int and memory_slots > 0:
        return memory_slots
    try:
        return sum(size for _, size in header.get("creg_sizes", ()))
    except (TypeError, ValueError):
        return 0


def fill_counts(
    message: result_pb2.DataField,
    counts: object,
    num_bits: int,
    counts_format: program_pb2.CountsFormat.ValueType,
) -> bool:
    """Writes counts in their compact form.

    Args:
        message: the field of the result.
        counts: what the backend gave under this name.
        num_bits: number of classical bits, 0 where unknown. Wider outcomes widen it.
        counts_format: how the job asked for its counts.

    Returns:
        False, with nothing written, where the compact form cannot hold them.
    """
    if type(counts) is not dict:
        return False
    read = _outcomes(list(counts), num_bits)
    numbers = list(counts.values())
    if read is None or not set(map(type, numbers)) <= {int}:
        return False
    if numbers and (min(numbers) < 0 or max(numbers) >= _UINT64_BOUND):
        return False
    outcomes, padded = read
    packed = message.counts
    num_bits = max(num_bits, max(outcomes, default=0).bit_length(), 1)
    packed.num_bits = num_bits
    packed.padded = padded
    packed.counts.extend(numbers)
    if counts_format == program_pb2.COUNTS_FORMAT_BITSTRINGS:
        packed.bitstrings.extend(map(f"{{:0{num_bits}b}}".format, outcomes))
    elif num_bits <= 64:
        packed.outcomes.extend(outcomes)
    else:
        width = (num_bits + 7) // 8
        packed.wide_outcomes = b"".join([outcome.to_bytes(width) for outcome in outcomes])
    return True


def read_counts(message: result_pb2.Counts) -> dict[str, int]:
    """The counts of a message, by outcome in hexadecimal.

    Raises:
        MisfitError: outcomes and counts contradict each other.
    """
    num_bits = message.num_bits
    numbers = list(message.counts)
    outcomes = _read_outcomes(message)
    if len(outcomes) != len(numbers):
        raise MisfitError(f"it has {len(outcomes)} outcomes but {len(numbers)} counts")
    if max(outcomes, default=0).bit_length() > num_bits:
        raise MisfitError(f"an outcome is wider than its {num_bits} bits")
    named = map(_writer(num_bits, padded=message.padded), outcomes)
    counts = dict(zip(named, numbers, strict=True))
    if len(counts) != len(numbers):
        raise MisfitError("an outcome is given twice")
    return counts


def _read_outcomes(message: result_pb2.Counts) -> list[int]:
    """The outcomes in whichever form the message has them."""
    num_bits = message.num_bits
    outcomes = list(message.outcomes)
    bitstrings = list(message.bitstrings)
    data = message.wide_outcomes
    if outcomes and message.padded and num_bits > _WORD_BITS:
        # A few bytes would have names of any length.
        raise MisfitError(f"outcomes of {num_bits} bits are padded, and not given as wide ones")
    if bool(outcomes) + bool(bitstrings) + bool(data) > 1:
        raise MisfitError("its outcomes are given in more than one form")
    if bitstrings:
        if {*map(len, bitstrings)} != {num_bits} or not {*"".join(bitstrings)} <= {*"01"}:
            raise MisfitError(f"an outcome is not a string of {num_bits} characters 0 and 1")
        return list(map(int, bitstrings, repeat(2)))
    if data:
        width = (num_bits + 7) // 8
        if width == 0 or len(data) % width:
            raise MisfitError(f"{len(data)} bytes do not hold outcomes of {num_bits} bits")
        return [int.from_bytes(data[start : start + width]) for start in range(0, len(data), width)]
    return outcomes


def fill_memory(message: result_pb2.DataField, memory: object, num_bits: int) -> bool:
    """Writes the outcome of every shot as a row of bits.

    Args:
        message: the field of the result.
        memory: what the backend gave under this name.
        num_bits: number of classical bits, 0 where unknown. Wider outcomes widen it.

    Returns:
        False, with nothing written, where rows of bits cannot hold it.
    """
    if type(memory) is not list or not memory or type(memory[0]) is not str:
        return False
    try:
        # Shots repeat outcomes: each is converted once, however many shots gave it.
        distinct = list(set(memory))
    except TypeError:
        return False
    read = _outcomes(distinct, num_bits)
    if read is None:
        return False
    outcomes, padded = read
    num_bits = max(num_bits, max(outcomes).bit_length(), 1)
    width = (num_bits + 7) // 8
    rows = {key: outcome.to_bytes(width) for key, outcome in zip(distinct, outcomes, strict=True)}
    packed = message.memory
    packed.num_bits = num_bits
    packed.num_shots = len(memory)
    packed.padded = padded
    packed.data, packed.compression = compress(b"".join(map(rows.__getitem__, memory)))
    return True


def read_memory(message: result_pb2.PackedBits) -> list[str]:
    """The outcome of every shot, in hexadecimal.

    Raises:
        MisfitError: the rows do not fill the data, or hold more bits than stated.
    """
    num_bits, num_shots = message.num_bits, message.num_shots
    if num_bits == 0 and num_shots:
        raise MisfitError(f"it has {num_shots} rows of no bits")
    width = (num_bits + 7) // 8
    data = decompress(message.data, message.compression, expected_bytes=width * num_shots)
    outcomes: list[int]
    if width <= 8:
        padded = np.zeros((num_shots, 8), np.uint8)
        padded[:, 8 - width :] = np.frombuffer(data, np.uint8).reshape(num_shots, width)
        outcomes = padded.view(">u8").ravel().tolist()
    else:
        outcomes = [
            int.from_bytes(data[start : start + width]) for start in range(0, len(data), width)
        ]
    written = _writer(num_bits, padded=message.padded)
    names = {outcome: written(outcome) for outcome in set(outcomes)}
    if max(names, default=0).bit_length() > num_bits:
        raise MisfitError(f"a row holds bits beyond its {num_bits}")
    return list(map(names.__getitem__, outcomes))


def _outcomes(names: list[object], num_bits: int) -> tuple[list[int], bool] | None:
    """The outcomes as integers, and whether their names are padded.

    None where no writer gives all names back.
    """
    try:
        outcomes = list(map(int, names, repeat(16)))  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    if min(outcomes, default=0) < 0:
        return None
    if list(map(hex, outcomes)) == names:
        return outcomes, False
    num_bits = max(num_bits, max(outcomes).bit_length())
    written = map(_writer(num_bits, padded=True), outcomes)
    return (outcomes, True) if list(written) == names else None


def _writer(num_bits: int, *, padded: bool) -> Callable[[int], str]:
    """What writes an outcome as the backend does.

    Aer's form, of qiskit-aer 0.17 and 0.18, is seen in its results; its lower words are
    written with all their digits.
    """
    if not padded:
        return hex
    lower_bits = max(0, (num_bits - 1) // _WORD_BITS * _WORD_BITS)
    digits = lower_bits // 4

    def write(outcome: int) -> str:
        first, lower = outcome >> lower_bits, outcome & ((1 << lower_bits) - 1)
        return f"0x{first:x}{lower:0{digits}x}" if digits else hex(outcome)

    return write

"""Large messages written and read without protobuf, which copies every field several times.

A field of bytes is a tag, its length and the bytes themselves, and a message is its
fields one after another. With 32 MiB of payloads that takes some microseconds in
place of a tenth of a second, in which the event loop would do nothing else.
"""

from __future__ import annotations

_LENGTH_DELIMITED = 2
_TAG_TYPE_BITS = 3
_VARINT_BITS = 7
_VARINT_GOES_ON = 0x80
# A tag of one byte, and a length of up to 64 bits.
HEAD_BYTES = 11


def field_head(number: int, size_bytes: int) -> bytes:
    """What stands before the bytes of a field of bytes, text or a message.

    Args:
        number: the field's number.
        size_bytes: how many bytes follow.
    """
    return _varint(number << _TAG_TYPE_BITS | _LENGTH_DELIMITED) + _varint(size_bytes)


def find_field(head: bytes, number: int) -> tuple[int, int]:
    """Where the bytes of a message's first field begin, and how many there are.

    Args:
        head: the first :data:`HEAD_BYTES` of the message, or all of a shorter one.
        number: the field's number, at most 15.

    Returns:
        0 and 0 where another field comes first, or none.
    """
    size_bytes = 0
    if head and head[0] == number << _TAG_TYPE_BITS | _LENGTH_DELIMITED:
        for position, digit in enumerate(head[1:]):
            size_bytes |= (digit & (_VARINT_GOES_ON - 1)) << _VARINT_BITS * position
            if not digit & _VARINT_GOES_ON:
                return position + 2, size_bytes
    return 0, 0


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number >= _VARINT_GOES_ON:
        digits.append(number & (_VARINT_GOES_ON - 1) | _VARINT_GOES_ON)
        number >>= _VARINT_BITS
    digits.append(number)
    return bytes(digits)

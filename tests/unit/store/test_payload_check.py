"""What a payload's file is checked by."""

from __future__ import annotations

import hashlib

import pytest

from longwire_server.store.payload_check import PayloadCheck, fits, new_check

# More than is taken at once.
PAYLOAD = bytes(range(256)) * 10_000


def test_gmac_is_that_of_the_standard() -> None:
    # Test case 13 of McGrew and Viega, The Galois/Counter Mode of Operation.
    tag = bytes.fromhex("530f8afbc74536b9a963b4f1c4cb738b")
    check = PayloadCheck(bytes(32) + tag)
    assert check.fits()


def test_check_fits_the_payload_that_it_was_made_of_alone() -> None:
    check = new_check(PAYLOAD)
    assert len(check) == 48
    assert fits(PAYLOAD, check)
    assert not fits(PAYLOAD[:-1], check)
    assert not fits(PAYLOAD + b"\0", check)
    for place in (0, len(PAYLOAD) // 2, len(PAYLOAD) - 1):
        changed = bytearray(PAYLOAD)
        changed[place] ^= 0x80
        assert not fits(bytes(changed), check)


@pytest.mark.parametrize(
    "check", [new_check(PAYLOAD), hashlib.sha256(PAYLOAD).digest()], ids=["gmac", "sha256"]
)
@pytest.mark.parametrize("piece_bytes", [1, 1000, len(PAYLOAD)], ids=str)
def test_check_fits_pieces_of_any_size(check: bytes, piece_bytes: int) -> None:
    begun = PayloadCheck(check)
    for begin in range(0, len(PAYLOAD), piece_bytes):
        begun.update(memoryview(PAYLOAD)[begin : begin + piece_bytes])
    assert begun.fits()


def test_two_checks_of_one_payload_have_nothing_in_common() -> None:
    first, second = new_check(PAYLOAD), new_check(PAYLOAD)
    assert first[:32] != second[:32]
    assert first[32:] != second[32:]


def test_check_of_nothing_fits_nothing_alone() -> None:
    check = new_check(b"")
    assert fits(b"", check)
    assert not fits(b"\0", check)

"""Counts that nobody's writer made, as a server that means ill sends them."""

from __future__ import annotations

import pytest

from longwire.codecs.counts import read_counts
from longwire.codecs.failure import MisfitError
from longwire.v1.result_pb2 import Counts


def test_few_bytes_have_no_padded_names_of_any_length() -> None:
    bits = 2**24
    with pytest.raises(MisfitError, match="padded, and not given as wide ones"):
        read_counts(Counts(num_bits=bits, padded=True, outcomes=[1], counts=[1]))
    wide = Counts(num_bits=128, padded=True, counts=[1], wide_outcomes=(1).to_bytes(16))
    assert read_counts(wide) == {f"0x0{1:016x}": 1}

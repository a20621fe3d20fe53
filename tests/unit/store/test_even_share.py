from __future__ import annotations

import math

import pytest
from hypothesis import given, strategies as st

from longwire_server.store.even_share import even_share


@pytest.mark.parametrize(
    ("amounts", "keep", "share"),
    [
        ([], 10, math.inf),
        ([4, 6], 10, math.inf),
        ([11], 10, 10),
        ([100, 1, 2], 10, 7),
        ([100, 100], 10, 5),
        ([5, 5], 0, 0),
    ],
)
def test_share_is_what_the_others_leave(amounts: list[int], keep: int, share: float) -> None:
    assert even_share(amounts, keep) == share


@given(st.lists(st.integers(0, 1000)), st.integers(0, 5000))
def test_all_together_keep_what_may_be_kept_and_hardly_less(amounts: list[int], keep: int) -> None:
    share = even_share(amounts, keep)
    kept = sum(min(amount, share) for amount in amounts)
    assert kept <= keep or kept == 0
    assert kept > min(keep, sum(amounts)) - len(amounts) - 1

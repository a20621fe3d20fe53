"""Headers and metadata as JSON, where that loses nothing."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, strategies as st

from longwire.codecs.failure import MisfitError
from longwire.codecs.value import fill_struct_quickly, read_struct
from longwire.v1.value_pb2 import StructValue

# No lone surrogates, which no message can hold.
TEXT = st.text(st.characters(codec="utf-8"))
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)


def filled(members: dict[str, Any]) -> StructValue:
    message = StructValue()
    fill_struct_quickly(message, members)
    return StructValue.FromString(message.SerializeToString())


def types(value: object) -> object:
    """The types of a value and of all in it."""
    if isinstance(value, dict):
        return {name: types(member) for name, member in value.items()}
    if isinstance(value, list):
        return [types(member) for member in value]
    return type(value)


@given(st.dictionaries(TEXT, PLAIN, max_size=5))
def test_members_come_back_equal_in_order_and_of_the_same_types(members: dict[str, Any]) -> None:
    message = filled(members)
    read = read_struct(message)
    assert read == members
    assert list(read) == list(members)
    assert types(read) == types(members)


def test_header_of_a_circuit_travels_as_json() -> None:
    header = {"name": "bell", "creg_sizes": [["c", 2]], "global_phase": 0.0, "metadata": {}}
    message = filled(header)
    assert message.json == (
        '{"name":"bell","creg_sizes":[["c",2]],"global_phase":0.0,"metadata":{}}'
    )
    assert not message.fields


@pytest.mark.parametrize(
    "value",
    [
        math.inf,
        (1, 2),
        2**53 + 1,
        {1: "one"},
        1j,
        b"bytes",
        np.float64(0.5),
        np.zeros(2),
        [[(1,)]],
    ],
    ids=repr,
)
def test_value_that_json_would_change_travels_as_a_message(value: object) -> None:
    message = filled({"value": value})
    assert message.json == ""
    read = read_struct(message)["value"]
    assert type(read) is type(value)
    assert np.all(read == value)


def test_negative_zero_keeps_its_sign() -> None:
    read = read_struct(filled({"phase": -0.0}))
    assert math.copysign(1.0, read["phase"]) == -1.0


@pytest.mark.parametrize("text", ["{", "[1]", "null", "[" * 100_000])
def test_json_that_is_no_object_is_refused(text: str) -> None:
    with pytest.raises(MisfitError, match="JSON"):
        read_struct(StructValue(json=text))

"""The condition that a recorded job is in one of several states, as a statement has it."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from longwire.v1.job_pb2 import JobState

# A set of states as bits: IN would need another statement for every length.
IN_EXPECTED_STATE = (
    sa.literal_column("(1 << state)").op("&")(sa.bindparam("expected", type_=sa.Integer)) != 0
)


def state_bits(states: Iterable[JobState.ValueType]) -> int:
    """The value of the parameter ``expected``."""
    return sum(1 << state for state in states)

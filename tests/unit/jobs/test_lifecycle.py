"""The states of a job and the moves between them."""

from __future__ import annotations

import pytest
from qiskit.providers import JobStatus

from longwire.v1.job_pb2 import JobState
from longwire_server.jobs.lifecycle import (
    LEGAL_MOVES,
    PREDECESSORS,
    STATUS_MESSAGES,
    state_name,
)
from longwire_server.store.job import FINAL_STATES


def test_states_are_the_members_of_qiskits_enum() -> None:
    assert {state_name(state) for state in LEGAL_MOVES} == set(JobStatus.__members__)


def test_messages_are_qiskits_own_words() -> None:
    for state, message in STATUS_MESSAGES.items():
        assert JobStatus[state_name(state)].value == message


@pytest.mark.parametrize("state", sorted(FINAL_STATES))
def test_final_state_is_never_left(state: JobState.ValueType) -> None:
    assert LEGAL_MOVES[state] == frozenset()


def test_every_state_but_the_final_ones_can_end() -> None:
    for state, successors in LEGAL_MOVES.items():
        if state not in FINAL_STATES:
            assert {JobState.JOB_STATE_ERROR, JobState.JOB_STATE_CANCELLED} <= successors


def test_predecessors_mirror_the_moves() -> None:
    for state, before in PREDECESSORS.items():
        assert all(state in LEGAL_MOVES[each] for each in before)
    assert JobState.JOB_STATE_QUEUED not in PREDECESSORS[JobState.JOB_STATE_DONE]

"""The audit of the fault tests finds what it is there to find."""

from __future__ import annotations

import dataclasses

import pytest
from job_audit import Acknowledged, Deleted, Delivered, Kind, Record, Stored, Told, audit

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.jobs.lifecycle import (
    CANCELLED,
    DONE,
    ERROR,
    QUEUED,
    RUNNING,
    VALIDATING,
)

JOB, OTHER = "a" * 32, "b" * 32
COUNTS = {"00": 6, "11": 4}
WELL: tuple[Record, ...] = (
    Acknowledged("request", JOB, COUNTS),
    Told("first", JOB, 1, QUEUED),
    Told("first", JOB, 2, VALIDATING),
    Told("first", JOB, 3, RUNNING),
    # The server died, and another took the job up.
    Told("first", JOB, 19, QUEUED),
    Told("first", JOB, 22, DONE),
    Delivered("first", JOB, COUNTS),
    Told("second", JOB, 22, DONE),
    Delivered("second", JOB, COUNTS),
)
STORED = Stored(JOB, "request", DONE, 22, result_bytes=80)


def kinds(records: tuple[Record, ...], *stored: Stored) -> list[Kind]:
    return [finding.kind for finding in audit(records, stored)]


def test_jobs_that_ended_as_they_should_give_no_finding() -> None:
    assert kinds(WELL, STORED) == []


def test_deleted_job_is_not_missed() -> None:
    assert kinds((*WELL, Deleted(JOB))) == []


@pytest.mark.parametrize(
    ("more", "stored", "found"),
    [
        ([], [], Kind.LOST),
        ([], [dataclasses.replace(STORED, state=RUNNING)], Kind.UNFINISHED),
        ([], [dataclasses.replace(STORED, result_bytes=0)], Kind.MISSING_RESULT),
        ([Acknowledged("request", OTHER, COUNTS)], [STORED], Kind.DOUBLED_JOB),
        ([], [STORED, Stored(OTHER, "request", DONE, 3, result_bytes=80)], Kind.DOUBLED_JOB),
        ([Delivered("first", JOB, COUNTS)], [STORED], Kind.DOUBLED_RESULT),
        ([Told("first", JOB, 22, DONE)], [STORED], Kind.DOUBLED_RESULT),
        ([Told("first", JOB, 23, ERROR)], [STORED], Kind.DOUBLED_RESULT),
        ([Delivered("third", JOB, {"00": 10})], [STORED], Kind.WRONG_RESULT),
        ([Told("first", JOB, 23, RUNNING)], [STORED], Kind.ILLEGAL_MOVE),
        ([Told("second", JOB, 24, QUEUED)], [STORED], Kind.ILLEGAL_MOVE),
        ([Told("third", JOB, 3, VALIDATING)], [STORED], Kind.ILLEGAL_MOVE),
        (
            [Told("third", JOB, 1, QUEUED), Told("third", JOB, 3, RUNNING)],
            [dataclasses.replace(STORED, state=CANCELLED)],
            Kind.WRONG_END,
        ),
        ([], [dataclasses.replace(STORED, sequence=23)], Kind.OTHER_END),
        (
            [Told("third", JOB, 3, RUNNING), Told("third", JOB, 2, VALIDATING)],
            [STORED],
            Kind.WRONG_ORDER,
        ),
        ([Deleted(JOB)], [STORED], Kind.RISEN),
    ],
    ids=[
        "lost", "unfinished", "without result", "two jobs told", "two jobs stored",
        "result twice", "end twice", "two ends", "wrong result", "after the end",
        "back after the end", "one sequence of two states", "cancelled by nobody",
        "other end stored", "backwards", "risen",
    ],
)  # fmt: skip
def test_thing_that_is_wrong_is_found(
    more: list[Record], stored: list[Stored], found: Kind
) -> None:
    assert found in kinds((*WELL, *more), *stored)


@pytest.mark.parametrize(
    ("before", "after", "is_legal"),
    [
        (Told("w", JOB, 1, QUEUED), Told("w", JOB, 2, RUNNING), False),
        (Told("w", JOB, 1, QUEUED), Told("w", JOB, 3, RUNNING), True),
        (Told("w", JOB, 3, RUNNING), Told("w", JOB, 4, VALIDATING), False),
        (Told("w", JOB, 1, QUEUED), Told("w", JOB, 2, QUEUED), False),
        (Told("w", JOB, 1, QUEUED), Told("w", JOB, 17, QUEUED), True),
        (Told("w", JOB, 2, VALIDATING), Told("w", JOB, 3, QUEUED), True),
    ],
)
def test_move_is_legal_where_so_many_steps_lead_there(
    before: Told, after: Told, is_legal: bool
) -> None:
    found = audit([before, after], [])
    assert (Kind.ILLEGAL_MOVE in {finding.kind for finding in found}) is not is_legal


@pytest.mark.parametrize(
    ("reason", "is_allowed"),
    [
        (ErrorReason.ERROR_REASON_SERVER_STOPPED, True),
        (ErrorReason.ERROR_REASON_INTERNAL, False),
    ],
)
def test_error_is_allowed_only_where_an_attempt_was_lost(
    reason: ErrorReason.ValueType, is_allowed: bool
) -> None:
    told = Acknowledged("request", JOB, COUNTS, frozenset({DONE, ERROR}))
    stored = Stored(JOB, "request", ERROR, 4, error_reason=reason)
    assert (kinds((told,), stored) == []) is is_allowed

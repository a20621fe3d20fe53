"""Compares what clients were told with what the store has: no job lost, none twice.

Clients write down what they hear as they hear it. When all is over, the audit holds
it against the store, and names every job that was acknowledged and is not there, every
result that came twice, and every move that no job may make.
"""

from __future__ import annotations

import dataclasses
import enum
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

import sqlalchemy as sa

from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire_server.jobs.lifecycle import DONE, ERROR, LEGAL_MOVES, state_name

FINAL = frozenset(state for state, after in LEGAL_MOVES.items() if not after)
# How an attempt is lost through no fault of its job.
LOST_ATTEMPT = frozenset(
    {ErrorReason.ERROR_REASON_SERVER_STOPPED, ErrorReason.ERROR_REASON_WORKER_DIED}
)


@dataclasses.dataclass(frozen=True)
class Acknowledged:
    """A client was told the job of its request."""

    request_id: str
    job_id: str
    # The value of its result, where it has one.
    expected: Any
    # The final states that its submitter allows. ERROR: only where an attempt was lost.
    may_end_in: frozenset[JobState.ValueType] = frozenset({DONE})


@dataclasses.dataclass(frozen=True)
class Told:
    """A watcher was told a change of state."""

    watcher: str
    job_id: str
    sequence: int
    state: JobState.ValueType


@dataclasses.dataclass(frozen=True)
class Delivered:
    """Somebody got the result of a job."""

    watcher: str
    job_id: str
    value: Any


@dataclasses.dataclass(frozen=True)
class Deleted:
    """A client was told that a job is deleted."""

    job_id: str


Record = Acknowledged | Told | Delivered | Deleted


@dataclasses.dataclass(frozen=True)
class Stored:
    """A job in the store."""

    job_id: str
    request_id: str
    state: JobState.ValueType
    sequence: int
    error_reason: ErrorReason.ValueType = ErrorReason.ERROR_REASON_UNSPECIFIED
    result_bytes: int = 0


class Kind(enum.Enum):
    """What can be wrong."""

    LOST = "an acknowledged job is not in the store"
    UNFINISHED = "a job has not ended"
    WRONG_END = "a job ended in a way that nobody asked for"
    DOUBLED_JOB = "one request has several jobs"
    DOUBLED_RESULT = "a result was delivered twice"
    WRONG_RESULT = "a result is not that of the circuit"
    MISSING_RESULT = "a job is DONE and has no result"
    ILLEGAL_MOVE = "a job made a move that no job may make"
    WRONG_ORDER = "a sequence did not increase"
    OTHER_END = "a watcher was told another end than the store has"
    RISEN = "a deleted job is in the store"


@dataclasses.dataclass(frozen=True)
class Finding:
    """One thing that is wrong."""

    kind: Kind
    job_id: str
    words: str


def stored_jobs(url: str) -> list[Stored]:
    """All jobs in the store at a URL."""
    engine = sa.create_engine(url)
    statement = sa.text(
        "SELECT job_id, request_id, state, sequence, error_reason, result_bytes FROM jobs"
    )
    try:
        with engine.connect() as connection:
            rows = connection.execute(statement).all()
    finally:
        engine.dispose()
    return [
        Stored(
            job_id,
            request_id or "",
            JobState.ValueType(state),
            sequence,
            ErrorReason.ValueType(error_reason or 0),
            result_bytes or 0,
        )
        for job_id, request_id, state, sequence, error_reason, result_bytes in rows
    ]


def audit(records: Iterable[Record], stored: Iterable[Stored]) -> list[Finding]:
    """What is wrong; nothing where all is well."""
    records, jobs = list(records), list(stored)
    by_id = {job.job_id: job for job in jobs}
    acknowledged = [each for each in records if isinstance(each, Acknowledged)]
    deleted = {each.job_id for each in records if isinstance(each, Deleted)}
    return [
        *_ends(acknowledged, by_id, deleted),
        *_doubled_jobs(acknowledged, jobs),
        *_watched([each for each in records if isinstance(each, Told)], by_id),
        *_results([each for each in records if isinstance(each, Delivered)], acknowledged),
        *(
            Finding(Kind.RISEN, job_id, "its deletion was confirmed")
            for job_id in sorted(deleted & by_id.keys())
        ),
    ]


def _ends(
    acknowledged: list[Acknowledged], by_id: dict[str, Stored], deleted: set[str]
) -> Iterator[Finding]:
    for each in {each.job_id: each for each in acknowledged}.values():
        job = by_id.get(each.job_id)
        if job is None:
            if each.job_id not in deleted:
                yield Finding(Kind.LOST, each.job_id, f"its request was {each.request_id}")
            continue
        ended = f"it is {state_name(job.state)}"
        if job.state not in FINAL:
            yield Finding(Kind.UNFINISHED, job.job_id, ended)
        elif job.state not in each.may_end_in:
            reason = ErrorReason.Name(job.error_reason)
            yield Finding(Kind.WRONG_END, job.job_id, f"{ended} {reason}")
        elif job.state == ERROR and job.error_reason not in LOST_ATTEMPT:
            yield Finding(Kind.WRONG_END, job.job_id, ErrorReason.Name(job.error_reason))
        elif job.state == DONE and not job.result_bytes:
            yield Finding(Kind.MISSING_RESULT, job.job_id, ended)


def _doubled_jobs(acknowledged: list[Acknowledged], jobs: list[Stored]) -> Iterator[Finding]:
    of_request = defaultdict(set)
    for each in (*acknowledged, *jobs):
        if each.request_id:
            of_request[each.request_id].add(each.job_id)
    for request_id, job_ids in of_request.items():
        if len(job_ids) > 1:
            others = ", ".join(sorted(job_ids))
            yield Finding(Kind.DOUBLED_JOB, min(job_ids), f"{request_id}: {others}")


def _watched(told: list[Told], by_id: dict[str, Stored]) -> Iterator[Finding]:
    of_watcher = defaultdict(list)
    state_at: dict[tuple[str, int], JobState.ValueType] = {}
    for each in told:
        of_watcher[each.watcher, each.job_id].append(each)
        state = state_at.setdefault((each.job_id, each.sequence), each.state)
        if state != each.state:
            words = f"{each.sequence} is {state_name(state)} and {state_name(each.state)}"
            yield Finding(Kind.ILLEGAL_MOVE, each.job_id, words)
    for (watcher, job_id), moves in of_watcher.items():
        yield from _moves(watcher, moves)
        last, job = moves[-1], by_id.get(job_id)
        if job is None or last.state not in FINAL:
            continue
        if (last.state, last.sequence) != (job.state, job.sequence):
            words = f"{watcher} was told {_shown(last)}, the store has {_shown(job)}"
            yield Finding(Kind.OTHER_END, job_id, words)


def _moves(watcher: str, moves: list[Told]) -> Iterator[Finding]:
    for before, after in itertools.pairwise(moves):
        words = f"{watcher} was told {_shown(before)}, then {_shown(after)}"
        if before.state in FINAL and after.state in FINAL:
            yield Finding(Kind.DOUBLED_RESULT, after.job_id, words)
        elif after.sequence <= before.sequence:
            yield Finding(Kind.WRONG_ORDER, after.job_id, words)
        elif not _can_move(before.state, after.state, after.sequence - before.sequence):
            yield Finding(Kind.ILLEGAL_MOVE, after.job_id, words)


def _can_move(before: JobState.ValueType, after: JobState.ValueType, most_moves: int) -> bool:
    """Whether a job can get from one state to another in so many moves or fewer.

    After a restart a watcher is told only how things are by then, with a higher sequence.
    """
    reached = {before}
    # No way through the states is longer than there are states, and one round more.
    for _ in range(min(most_moves, 2 * len(LEGAL_MOVES))):
        reached = set().union(*(LEGAL_MOVES[state] for state in reached))
        if after in reached:
            return True
    # The same state once more, as a server tells it that took the job up.
    return before == after and before not in FINAL and most_moves > 1


def _results(delivered: list[Delivered], acknowledged: list[Acknowledged]) -> Iterator[Finding]:
    expected = {each.job_id: each.expected for each in acknowledged}
    got: set[tuple[str, str]] = set()
    for each in delivered:
        if (each.watcher, each.job_id) in got:
            yield Finding(Kind.DOUBLED_RESULT, each.job_id, f"{each.watcher} got it twice")
        got.add((each.watcher, each.job_id))
        if each.value != expected[each.job_id]:
            words = f"{each.watcher} got {each.value}, expected {expected[each.job_id]}"
            yield Finding(Kind.WRONG_RESULT, each.job_id, words)


def _shown(move: Told | Stored) -> str:
    return f"{state_name(move.state)} ({move.sequence})"

"""How often and how long a backend's jobs are tried."""

from __future__ import annotations

import pytest

from longwire_server.jobs.attempt_policy import AttemptPolicy


def policy(max_attempts: int = 3, backend_limit_seconds: float | None = None) -> AttemptPolicy:
    return AttemptPolicy(
        backend_name="sim",
        max_attempts=max_attempts,
        backend_limit_seconds=backend_limit_seconds,
        pool_limit_seconds=60.0,
    )


@pytest.mark.parametrize(
    ("backend_limit", "job_limit", "seconds", "words"),
    [
        (None, None, 60, "its pool's time_limit_seconds"),
        (30.0, None, 30, "the time_limit_seconds of backend 'sim'"),
        (90.0, None, 60, "its pool's"),
        (30.0, 10.5, 10.5, "its own max_run_seconds"),
        (30.0, 40.0, 30, "the time_limit_seconds of backend 'sim'"),
        (None, 100.0, 60, "its pool's"),
    ],
)
def test_shortest_limit_counts_and_is_named(
    backend_limit: float | None, job_limit: float | None, seconds: float, words: str
) -> None:
    limit = policy(backend_limit_seconds=backend_limit).run_limit(job_limit)
    assert limit.seconds == seconds
    assert f"longer than {seconds:g} s, {words}" in limit.message


def test_attempts_are_allowed_up_to_the_limit() -> None:
    assert [policy(3).allows_another(attempts) for attempts in range(5)] == [True] * 3 + [False] * 2


@pytest.mark.parametrize(
    ("attempts", "words", "advice"),
    [
        (1, "tried once", "submit it again if that is safe"),
        (3, "tried 3 times", "see whether the program is why"),
    ],
)
def test_last_loss_says_how_often_the_job_was_tried(attempts: int, words: str, advice: str) -> None:
    message = policy(attempts).exhausted("The worker died", attempts)
    assert message.startswith(f"The worker died; the job was {words}, as often as backend 'sim'")
    assert f"max_attempts = {attempts}): {advice}" in message


def test_quota_of_the_tenant_counts_where_it_is_the_shortest() -> None:
    limit = policy(backend_limit_seconds=30.0).run_limit(20.0, 5.0)
    assert limit.seconds == 5.0
    assert "longer than 5 s, its tenant's quota (quotas.run_seconds)" in limit.message
    assert policy().run_limit(20.0, 25.0).seconds == 20.0

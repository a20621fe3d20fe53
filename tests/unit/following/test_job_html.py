"""A job's table in a notebook, and its line elsewhere."""

from __future__ import annotations

import datetime

import pytest
from scripted_jobs import job

from longwire.following.job_html import job_html, job_text


def test_table_has_no_rows_for_what_is_not_known() -> None:
    html = job_html(job("QUEUED"))
    for absent in ("Position", "Progress", "Name", "Tags", "Accepted", "Ended", "Error", "Warning"):
        assert absent not in html
    assert html.count("<tr>") == 2


def test_nothing_in_the_table_is_taken_for_markup() -> None:
    markup = "<img src=x onerror=\"alert('x')\">"
    record = job("ERROR", name=markup, tags=[markup], error={"message": f"{markup}\n{markup}"})
    record.backend_name = record.job_id = markup
    html = job_html(record, warning=markup)
    assert "<img" not in html
    assert html.count("&lt;img") == 7
    assert "&gt;<br>&lt;" in html


@pytest.mark.parametrize(("days", "is_told"), [(1, True), (-1, False)], ids=["ahead", "over"])
def test_table_says_when_the_job_may_begin_unless_that_is_over(days: int, is_told: bool) -> None:
    record = job("QUEUED")
    start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=days)
    record.estimated_start_time.FromDatetime(start)
    html = job_html(record)
    assert (start.astimezone().strftime("%Y-%m-%d") in html) is is_told
    assert ("soon" in html) is not is_told


def test_long_error_is_cut() -> None:
    html = job_html(job("ERROR", error={"message": "x" * 100_000}))
    assert len(html) < 10_000
    assert "…" in html


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (job("QUEUED", queue_position=3), "QUEUED  position 3"),
        (job("RUNNING", progress={"finished": 0, "total": 7}), "RUNNING  0/7"),
        (job("DONE"), "DONE"),
    ],
    ids=["queued", "running", "done"],
)
def test_line_says_where_the_job_is(record: object, text: str) -> None:
    assert job_text(record) == text  # type: ignore[arg-type]

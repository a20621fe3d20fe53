"""The commands that change, delete and find jobs."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell, hours_long
from command_line import CommandLine
from qiskit import qasm3, qpy

NO_JOB = "0" * 32


@pytest.fixture
def longwire(server_address: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The command in a directory with circuits."""
    (tmp_path / "bell.qasm").write_text(qasm3.dumps(bell()))
    with (tmp_path / "long.qpy").open("wb") as file:
        qpy.dump(hours_long(22), file)
    command_line = CommandLine(server_address, tmp_path)
    yield command_line
    command_line.close()


@pytest.fixture
def ended(longwire: CommandLine) -> str:
    """The id of a job that has ended."""
    words = ("run", "bell.qasm", "--shots", "1", "--name", "old", "--tag", "a", "--tag", "b")
    job_id: str = longwire.json(*words)["job"]["job_id"]
    return job_id


def test_label_changes_what_is_named_and_shows_the_labels(
    longwire: CommandLine, ended: str
) -> None:
    done = longwire("label", ended, "--name", "new", "--add-tag", "c", "--remove-tag", "a")
    assert (done.returncode, done.stderr) == (0, "")
    assert [line.split(maxsplit=1) for line in done.stdout.splitlines()] == [
        ["job", ended],
        ["name", "new"],
        ["tags", "b, c"],
    ]
    document = longwire.json("label", ended, "--tag", "x", "--tag", "y")
    assert document == longwire.json("job", ended)
    assert (document["name"], document["tags"]) == ("new", ["x", "y"])
    document = longwire.json("label", ended, "--name", "", "--no-tags")
    assert (document["name"], document["tags"]) == ("", [])


def test_label_reaches_a_job_that_has_not_ended(longwire: CommandLine) -> None:
    job_id = longwire.json("submit", "long.qpy")["job_id"]
    assert longwire.json("label", job_id, "--add-tag", "long")["tags"] == ["long"]
    code, error = longwire.error("delete", job_id)
    assert (code, error["reason"]) == (1, "JOB_NOT_FINISHED")
    assert "wait until it has finished, or cancel it first" in error["message"]
    cancelled = longwire.json("cancel", job_id)["cancelled"]
    assert [job["tags"] for job in cancelled] == [["long"]]
    assert longwire.json("delete", job_id) == {"deleted": [job_id]}


def test_delete_tries_every_job(longwire: CommandLine, ended: str) -> None:
    other = longwire.json("run", "bell.qasm", "--shots", "1")["job"]["job_id"]
    done = longwire("delete", ended, NO_JOB, other)
    assert done.returncode == 1
    assert done.stdout == f"deleted {ended}\ndeleted {other}\n"
    assert done.stderr.startswith(f"longwire: No job has the id '{NO_JOB}'\n")
    for job_id in (ended, other):
        assert longwire.error("job", job_id)[1]["reason"] == "JOB_NOT_FOUND"


@pytest.mark.parametrize(
    ("words", "code", "reason", "complaint"),
    [
        (("label", NO_JOB, "--name", "x"), 1, "JOB_NOT_FOUND", NO_JOB),
        (("label", NO_JOB, "--tag", ""), 1, "ARGUMENT_INVALID", "it is empty"),
        (("label", NO_JOB, "--name", "x" * 129), 1, "ARGUMENT_INVALID", "at most 128 fit"),
        (("label", NO_JOB), 2, "USAGE", "give --name, --tag"),
        (("label", NO_JOB, "--tag", "x", "--no-tags"), 2, "USAGE", "not allowed with"),
        (("label",), 2, "USAGE", "ID"),
        (("delete",), 2, "USAGE", "ID"),
        (("jobs", "--all", "--limit", "3"), 2, "USAGE", "not allowed with"),
        (("jobs", "--until", "tomorrow"), 2, "USAGE", "is no time"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason_and_a_sentence(
    longwire: CommandLine, words: tuple[str, ...], code: int, reason: str, complaint: str
) -> None:
    for_programs, error = longwire.error(*words)
    assert (for_programs, error["reason"]) == (code, reason)
    assert complaint in error["message"]


def test_jobs_are_found_by_name_and_time(longwire: CommandLine, ended: str) -> None:
    name = f"one of a kind {time.monotonic_ns()}"
    longwire.json("label", ended, "--name", name)
    created = datetime.datetime.fromisoformat(longwire.json("job", ended)["create_time"])

    def listed(*words: str) -> list[str]:
        return [job["job_id"] for job in longwire.json("jobs", "--name", name, *words)["jobs"]]

    after = (created + datetime.timedelta(seconds=1)).isoformat()
    assert listed() == [ended]
    assert listed("--tag", "b") == [ended]
    assert listed("--tag", "never given") == []
    assert listed("--until", after) == [ended]
    assert listed("--until", created.isoformat()) == []
    assert listed("--since", created.isoformat(), "--until", after) == [ended]
    assert listed("--since", after) == []
    assert longwire("jobs", "--name", "one of a kind").stdout == "no jobs\n"

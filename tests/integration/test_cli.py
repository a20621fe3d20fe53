"""The command ``longwire`` against a real server, as a user and as a program see it."""

from __future__ import annotations

import json
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from circuits import bell, hours_long, several_registers
from command_line import SECONDS, CommandLine, read_until
from qiskit import qasm2, qasm3, qpy

from longwire import RemoteBackend

STATUS_KEYS = {"backend_name", "backend_version", "operational", "pending_jobs", "status_msg"}
# Runs a command in this process's Python, and writes which of the slow modules it imported.
SLOW_MODULES = """
import sys
from longwire.cli.main import run_command_line
code = run_command_line(sys.argv[1:])
slow = {"qiskit", "numpy", "matplotlib", "pydantic", "typer"} & sys.modules.keys()
print("slow:", *sorted(slow), file=sys.stderr)
sys.exit(code)
"""


@pytest.fixture
def longwire(server_address: str, tmp_path: Path) -> Iterator[CommandLine]:
    """The command in a directory with circuits."""
    (tmp_path / "bell.qasm").write_text(qasm3.dumps(bell()))
    (tmp_path / "old.qasm").write_text(qasm2.dumps(bell()))
    (tmp_path / "broken.qasm").write_text("OPENQASM 3.0;\nqubit q;\nnothing q;\n")
    with (tmp_path / "registers.qpy").open("wb") as file:
        qpy.dump([several_registers(), bell()], file)
    with (tmp_path / "long.qpy").open("wb") as file:
        qpy.dump(hours_long(22), file)
    command_line = CommandLine(server_address, tmp_path)
    yield command_line
    command_line.close()


@pytest.fixture
def long_job(longwire: CommandLine) -> Iterator[str]:
    """The id of a job that does not end; it is cancelled after the test."""
    job_id = longwire.json("submit", "long.qpy")["job_id"]
    yield job_id
    longwire("cancel", job_id)


def test_backends_lists_every_backend_with_its_size_and_kind(longwire: CommandLine) -> None:
    header, *rows = longwire("backends").stdout.splitlines()
    assert header.split()[:3] == ["NAME", "QUBITS", "KIND"]
    assert rows[0].split()[:3] == ["aer_simulator", "any", "simulator"]
    first = longwire.json("backends")["backends"][0]
    assert (first["name"], first["num_qubits"], first["simulator"]) == ("aer_simulator", None, True)
    assert "method" in first["option_names"]
    assert set(first["status"]) == STATUS_KEYS


def test_status_has_the_fields_of_the_model(longwire: CommandLine, aer: RemoteBackend) -> None:
    row = longwire("status").stdout.splitlines()[1]
    assert row.split()[:3] == ["aer_simulator", "operational", "0"]
    expected = aer.status().to_dict()
    assert longwire.json("status", "aer_simulator") == expected
    assert expected in longwire.json("status")["backends"]


def test_run_shows_a_histogram_on_stdout_and_the_states_on_stderr(longwire: CommandLine) -> None:
    done = longwire("run", "bell.qasm", "--shots", "2000", "--seed", "7")
    assert done.returncode == 0
    title, zeros, ones, _, times = done.stdout.splitlines()
    assert title == "bell  2,000 shots"
    assert re.fullmatch(r"  00  [█▏▎▍▌▋▊▉ ]+  [\d,]+   +\d+\.\d %", zeros)
    assert ones.startswith("  11  ")
    assert re.fullmatch(r"queued .+, ran .+", times)
    assert "taking aer_simulator, the least busy simulator" in done.stderr
    states = re.findall(r"^\d\d:\d\d:\d\d  (\w+)", done.stderr, re.MULTILINE)
    assert states[-1] == "DONE"
    assert "\x1b" not in done.stdout + done.stderr


def test_run_for_programs_gives_qiskits_counts(longwire: CommandLine, aer: RemoteBackend) -> None:
    words = ("--shots", "500", "--seed", "7", "--memory", "--option", "method=statevector")
    document = longwire.json("run", "registers.qpy", *words)
    result = aer.run(
        [several_registers(), bell()],
        shots=500,
        seed_simulator=7,
        memory=True,
        method="statevector",
    ).result()
    for place, circuit in enumerate(document["circuits"]):
        assert circuit["counts"] == result.get_counts(place)
        assert circuit["memory"] == result.get_memory(place)
        assert (circuit["shots"], circuit["success"]) == (500, True)
    assert document["circuits"][0]["name"] == "several registers"
    assert document["job"]["state"] == "DONE"
    assert document["job"]["running_seconds"] > 0


def test_run_of_several_files_is_one_job_named_and_tagged(longwire: CommandLine) -> None:
    (longwire.directory / "again.qasm").write_text(qasm3.dumps(bell()))
    document = longwire.json(
        "run", "bell.qasm", "again.qasm", "-b", "aer_simulator", "--name", "two", "--tag", "x"
    )
    assert [circuit["name"] for circuit in document["circuits"]] == ["bell", "again"]
    assert (document["job"]["name"], document["job"]["tags"]) == ("two", ["x"])


def test_run_takes_openqasm_2_and_qobj(longwire: CommandLine) -> None:
    assert set(longwire.json("run", "old.qasm")["circuits"][0]["counts"]) == {"00", "11"}
    registers = {"qreg_sizes": [["q", 1]], "creg_sizes": [["c", 2]], "memory_slots": 2}
    experiment = {
        "header": {"name": "one", "n_qubits": 1, **registers},
        "config": {"n_qubits": 1, "memory_slots": 2},
        "instructions": [
            {"name": "x", "qubits": [0]},
            {"name": "measure", "qubits": [0], "memory": [1]},
        ],
    }
    qobj = {
        "qobj_id": "1",
        "type": "QASM",
        "schema_version": "1.3.0",
        "header": {},
        "config": {"shots": 9, "memory_slots": 2},
        "experiments": [experiment],
    }
    (longwire.directory / "qobj.json").write_text(json.dumps(qobj))
    (circuit,) = longwire.json("run", "qobj.json")["circuits"]
    assert (circuit["name"], circuit["counts"]) == ("one", {"10": 9})


def test_run_with_output_writes_the_picture_or_the_result(longwire: CommandLine) -> None:
    done = longwire("run", "bell.qasm", "--output", "bell.png")
    assert done.returncode == 0
    assert "written to bell.png" in done.stderr
    assert (longwire.directory / "bell.png").read_bytes().startswith(b"\x89PNG")
    document = longwire.json("run", "bell.qasm", "--seed", "3", "--output", "bell.json")
    written = json.loads((longwire.directory / "bell.json").read_text())
    assert written["job_id"] == document["job"]["job_id"]
    assert sum(written["results"][0]["data"]["counts"].values()) == 1024


def test_submit_prints_an_id_that_result_and_watch_take(longwire: CommandLine) -> None:
    submitted = longwire("submit", "bell.qasm", "--shots", "10")
    job_id = submitted.stdout.strip()
    assert re.fullmatch(r"[0-9a-f]{32}", job_id)
    result = longwire.json("result", job_id)
    assert sum(result["circuits"][0]["counts"].values()) == 10
    watched = longwire("watch", job_id)
    assert watched.returncode == 0
    assert watched.stdout.splitlines()[-2].endswith("DONE")
    assert longwire.json("watch", job_id)["job"]["state"] == "DONE"


def test_jobs_filters_by_tag_state_backend_and_time(longwire: CommandLine) -> None:
    tag = f"jobs {time.monotonic_ns()}"
    ids = [
        longwire.json("run", "bell.qasm", "--tag", tag, "-b", backend)["job"]["job_id"]
        for backend in ("basic_simulator", "aer_simulator")
    ]

    def listed(*words: str) -> list[str]:
        return [job["job_id"] for job in longwire.json("jobs", "--tag", tag, *words)["jobs"]]

    assert listed() == ids[::-1]
    assert listed("--backend", "basic_simulator") == ids[:1]
    assert listed("--state", "running") == []
    assert listed("--state", "running", "--state", "done") == ids[::-1]
    assert listed("--since", "1h") == ids[::-1]
    assert listed("--since", "2099-01-01") == []
    assert longwire.json("jobs", "--tag", tag, "--limit", "1")["has_more"] is True
    assert ids[0] in longwire("jobs", "--tag", tag).stdout
    assert longwire("jobs", "--tag", tag, "--state", "error").stdout == "no jobs\n"


def test_job_tells_everything_of_a_job(longwire: CommandLine) -> None:
    job_id = longwire.json("run", "bell.qasm", "--name", "mine", "--tag", "a")["job"]["job_id"]
    text = longwire("job", job_id).stdout
    for words in (job_id, "DONE", "aer_simulator", "mine", "created", "ran for"):
        assert words in text
    assert longwire.json("job", job_id)["tags"] == ["a"]


def test_job_that_fails_ends_run_watch_and_result_with_3_and_the_reason(
    longwire: CommandLine,
) -> None:
    code, error = longwire.error("run", "broken.qasm")
    assert (code, error["reason"]) == (3, "PROGRAM_INVALID")
    assert "nothing" in error["message"]
    for command in ("watch", "result"):
        failed = longwire(command, error["job_id"])
        assert failed.returncode == 3
        assert f"longwire: Job {error['job_id']} on 'aer_simulator' failed" in failed.stderr
        assert "Traceback" not in failed.stderr
    assert longwire("job", error["job_id"]).returncode == 0


def test_job_cancelled_ends_watch_with_4(longwire: CommandLine, long_job: str) -> None:
    watch = longwire.started("watch", long_job)
    read_until(watch, "RUNNING", stream="stdout")
    cancelled = longwire("cancel", long_job)
    assert (cancelled.returncode, cancelled.stdout) == (0, f"cancelled {long_job}\n")
    out, err = watch.communicate(timeout=SECONDS)
    assert watch.returncode == 4
    assert "CANCELLED" in out
    assert "was cancelled" in err
    assert longwire.error("result", long_job)[0] == 4


def test_job_that_runs_longer_than_asked_for_ends_in_an_error(longwire: CommandLine) -> None:
    words = ("long.qpy", "--max-run-seconds", "0.5", "--max-queue-seconds", "600")
    code, error = longwire.error("run", *words)
    assert (code, error["reason"]) == (3, "TIME_LIMIT")
    assert "longer than 0.5 s, its own max_run_seconds" in error["message"]


def test_cancel_of_a_job_that_had_ended_fails_after_the_others(
    longwire: CommandLine, long_job: str
) -> None:
    ended = longwire.json("run", "bell.qasm")["job"]["job_id"]
    done = longwire("cancel", ended, "0" * 32, long_job)
    assert done.returncode == 1
    assert done.stdout == f"cancelled {long_job}\n"
    assert f"Job {ended} had ended before (DONE)" in done.stderr
    assert f"No job has the id '{'0' * 32}'" in done.stderr


def test_timeout_ends_with_5_and_leaves_the_job(longwire: CommandLine, long_job: str) -> None:
    code, error = longwire.error("result", long_job, "--timeout", "0.2")
    assert (code, error["reason"], error["job_id"]) == (5, "TIMEOUT", long_job)
    assert longwire.json("job", long_job)["state"] in ("QUEUED", "VALIDATING", "RUNNING")


def test_result_without_waiting_of_a_running_job_is_an_error(
    longwire: CommandLine, long_job: str
) -> None:
    code, error = longwire.error("result", long_job, "--no-wait")
    assert (code, error["reason"]) == (1, "JOB_NOT_FINISHED")


@pytest.mark.parametrize("command", ["run", "watch", "result"])
def test_ctrl_c_stops_the_waiting_and_says_how_to_come_back(
    longwire: CommandLine, long_job: str, command: str
) -> None:
    waits = longwire.started(command, "long.qpy" if command == "run" else long_job)
    stream = "stdout" if command == "watch" else "stderr"
    told = read_until(waits, "QUEUED", stream=stream)
    waits.send_signal(signal.SIGINT)
    _, err = waits.communicate(timeout=SECONDS)
    assert waits.returncode == 130
    found = re.search(r"Stopped waiting; job ([0-9a-f]{32}) goes on", err)
    assert found, told + err
    job_id = found[1]
    assert f"longwire watch {job_id}" in err
    assert f"longwire cancel {job_id}" in err
    assert "Traceback" not in err
    assert longwire.json("job", job_id)["state"] in ("QUEUED", "VALIDATING", "RUNNING")
    # Left alone, it would take a processor for as long as its server runs.
    assert longwire("cancel", job_id).returncode == 0


def test_way_back_names_the_address_where_it_was_given(
    longwire: CommandLine, long_job: str
) -> None:
    address = longwire.environment.pop("LONGWIRE_ADDRESS")
    failed = longwire("--address", address, "watch", long_job, "--timeout", "0.2")
    assert f"longwire --address {address} watch {long_job}" in failed.stderr


@pytest.mark.parametrize(
    ("words", "code", "reason", "complaint"),
    [
        (("status", "aer_simulater"), 1, "BACKEND_NOT_FOUND", "did you mean aer_simulator"),
        (("run", "bell.qasm", "-b", "x"), 1, "BACKEND_NOT_FOUND", "hosts aer_simulator"),
        (("run", "none.qasm"), 1, "FILE_UNREADABLE", "none.qasm cannot be read"),
        (("run", "bell.txt"), 1, "FILE_KIND_UNKNOWN", "must end in .qasm"),
        (("run", "bell.qasm", "--option", "metod=x"), 1, "OPTION_INVALID", "did you mean method?"),
        (("run", "bell.qasm", "--option", "shots=many"), 1, "OPTION_INVALID", "shots must be"),
        (("run", "bell.qasm", "-o", "a.gif"), 1, "OUTPUT_KIND_UNKNOWN", "must end in .png"),
        (("submit", "bell.qasm", "--tag", ""), 1, "ARGUMENT_INVALID", "tags"),
        (("job", "12"), 1, "JOB_NOT_FOUND", "No job has the id '12'"),
        (("watch", "12"), 1, "JOB_NOT_FOUND", "No job has the id '12'"),
        (("--address", "a b", "status"), 1, "ARGUMENT_INVALID", "write HOST:PORT"),
        (("--address", "localhost:1", "status"), 1, "SERVER_UNREACHABLE", "localhost:1"),
        (("jobs", "--limit", "none"), 2, "USAGE", "'none' is no whole number"),
        (("run",), 2, "USAGE", "FILE"),
        ((), 2, "USAGE", "no command is given"),
    ],
)
def test_what_cannot_be_done_is_refused_with_a_reason_and_a_sentence(
    longwire: CommandLine, words: tuple[str, ...], code: int, reason: str, complaint: str
) -> None:
    for_programs, error = longwire.error(*words)
    assert (for_programs, error["reason"]) == (code, reason)
    assert complaint in error["message"]
    for_people = longwire(*words)
    assert for_people.returncode == code
    assert "longwire: " in for_people.stderr
    assert complaint in for_people.stderr
    assert "Traceback" not in for_people.stderr


def test_login_with_an_unknown_token_at_a_server_without_accounts_says_so(
    longwire: CommandLine,
) -> None:
    address = longwire.environment["LONGWIRE_ADDRESS"]
    code, error = longwire.error("login", address, "--token", "lw_0123456789abcdef_secret")
    assert (code, error["reason"]) == (1, "UNAUTHENTICATED")
    assert "does not know the token" in error["message"]
    assert "it asks nobody for one" in error["message"]


def test_job_that_is_not_found_comes_with_the_command_that_lists_jobs(
    longwire: CommandLine,
) -> None:
    hint = longwire("job", "12").stderr.splitlines()[1]
    assert hint.startswith("  ids have 32 hexadecimal digits")
    assert hint.endswith(f"longwire --address {longwire.environment['LONGWIRE_ADDRESS']} jobs")


def test_quick_commands_import_neither_qiskit_nor_numpy(longwire: CommandLine) -> None:
    job_id = longwire.json("submit", "bell.qasm")["job_id"]
    longwire.json("result", job_id)
    for words in (
        ("status",),
        ("backends", "--json"),
        ("jobs",),
        ("job", job_id),
        ("watch", job_id),
        ("submit", "bell.qasm", "--shots", "5", "--option", "method=statevector"),
        ("submit", "registers.qpy"),
        ("label", job_id, "--name", "quick", "--add-tag", "quick"),
        ("delete", job_id),
    ):
        done = longwire(*words, python=SLOW_MODULES)
        assert done.returncode == 0, done.stderr
        assert done.stderr.splitlines()[-1] == "slow:", words
    ended = longwire("cancel", job_id, python=SLOW_MODULES)
    assert ended.stderr.splitlines()[-1] == "slow:"


@pytest.mark.parametrize(
    "words",
    [
        ("--address", "localhost:1", "status"),
        ("--address", "localhost:1", "submit", "bell.qasm"),
        ("job", "12"),
        ("watch", "12"),
        ("result", "12"),
        ("submit", "bell.qasm", "--tag", ""),
    ],
)
def test_what_the_server_does_not_do_is_told_without_importing_qiskit(
    longwire: CommandLine, words: tuple[str, ...]
) -> None:
    failed = longwire(*words, python=SLOW_MODULES)
    assert failed.returncode == 1
    assert "longwire: " in failed.stderr
    assert failed.stderr.splitlines()[-1] == "slow:"


def test_run_does_not_import_qiskit(longwire: CommandLine) -> None:
    done = longwire("run", "bell.qasm", python=SLOW_MODULES)
    assert done.returncode == 0
    assert "qiskit" not in done.stderr.splitlines()[-1]


def test_reader_that_goes_away_makes_no_traceback(longwire: CommandLine) -> None:
    jobs = longwire.started("jobs", "--json")
    assert jobs.stdout is not None
    jobs.stdout.close()
    jobs.stdout = None
    _, err = jobs.communicate(timeout=SECONDS)
    assert err == ""
    assert jobs.returncode == 1


def test_version_and_help_need_no_server(longwire: CommandLine) -> None:
    longwire.environment["LONGWIRE_ADDRESS"] = "localhost:1"
    assert re.fullmatch(r"longwire \d+\.\d+\.\d+\S*\n", longwire("--version").stdout)
    for words in ((), ("run",), ("jobs",), ("result",)):
        shown = longwire(*words, "--help")
        assert shown.returncode == 0
        assert "usage: longwire" in shown.stdout

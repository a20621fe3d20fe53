"""Failpoints: what can be written in the variable, and that every one has its place."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from server_process import wait_until

import longwire_server
from longwire_server import failpoints
from longwire_server.failpoints import EXIT_CODE, FAILPOINTS, VARIABLE, FailpointsError, parse

SOURCES = Path(longwire_server.__file__).parent
NAME, OTHER = "store.commit.before", "worker.run.before"


def called_failpoints() -> set[str]:
    """The first argument of every call of failpoint in the server."""
    calls = [
        node
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "failpoint"
    ]
    return {
        constant.value
        for call in calls
        for constant in ast.walk(call.args[0])
        if isinstance(constant, ast.Constant) and isinstance(constant.value, str)
    }


def test_failpoints_that_are_declared_are_those_that_are_called() -> None:
    assert called_failpoints() == set(FAILPOINTS)


def test_at_least_25_failpoints_lie_between_receive_and_deliver() -> None:
    names = list(FAILPOINTS)
    first, last = names.index("service.submit.received"), names.index("service.chunk.before")
    assert last - first >= 25
    assert all(sentence.endswith(".") for sentence in FAILPOINTS.values())


def test_failpoint_without_the_variable_is_a_function_without_a_body() -> None:
    script = """
from longwire_server.failpoints import failpoint
code = failpoint.__code__
assert not code.co_names and code.co_consts[1:] in ((), (None,)), (code.co_names, code.co_consts)
"""
    environment = {name: value for name, value in os.environ.items() if name != VARIABLE}
    subprocess.run([sys.executable, "-c", script], check=True, env=environment)


def reach(text: str, name: str = NAME, error: type[Exception] = OSError) -> None:
    """Passes a failpoint once."""
    parse(text)[name](error)


def test_error_is_of_the_class_that_the_place_names() -> None:
    with pytest.raises(OSError, match=f"Errno 5.*{NAME}"):
        reach(f"{NAME}=error")
    with pytest.raises(LookupError, match=NAME):
        reach(f"{NAME}=error", error=LookupError)


def test_action_happens_at_the_passage_with_its_number_alone() -> None:
    act = parse(f"{OTHER}=error@2,{NAME}=error@3")[NAME]
    act(OSError)
    act(OSError)
    with pytest.raises(OSError, match=NAME):
        act(OSError)
    act(OSError)


def drawn(text: str, passages: int) -> list[bool]:
    """At which passages an error is raised."""
    act = parse(text)[NAME]
    raised = []
    for _ in range(passages):
        try:
            act(OSError)
            raised.append(False)
        except OSError:
            raised.append(True)
    return raised


def test_action_with_a_probability_happens_at_the_passages_that_its_seed_draws() -> None:
    draws = drawn(f"{NAME}=error@30%7", 200)
    assert drawn(f"{NAME}=error@30%7", 200) == draws
    assert drawn(f"{NAME}=error@30%8", 200) != draws
    assert 30 < sum(draws) < 90
    assert drawn(f"{NAME}=error@0%", 50) == [False] * 50
    assert drawn(f"{NAME}=error@100%", 50) == [True] * 50


def test_action_happens_when_a_file_is_there_and_once(tmp_path: Path) -> None:
    path = tmp_path / "now"
    act = parse(f"{NAME}=error@file:{path}")[NAME]
    act(OSError)
    path.touch()
    with pytest.raises(OSError, match=NAME):
        act(OSError)
    assert not path.exists()
    act(OSError)


def test_pause_ends_when_the_file_is_there(tmp_path: Path) -> None:
    path = tmp_path / "gate"
    waiting = threading.Thread(target=reach, args=[f"{NAME}=pause:{path}"], daemon=True)
    waiting.start()
    assert waiting.is_alive()
    path.touch()
    wait_until(lambda: not waiting.is_alive())


def test_delay_takes_its_time() -> None:
    reach(f"{NAME}=delay:0")


@pytest.mark.parametrize(("action", "code"), [("kill", -signal.SIGKILL), ("exit", EXIT_CODE)])
def test_process_ends_at_the_failpoint(action: str, code: int) -> None:
    script = """
from longwire_server.failpoints import failpoint
failpoint("store.commit.after")
print("so far", flush=True)
failpoint("store.commit.before")
print("too far", flush=True)
"""
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, VARIABLE: f"{NAME}={action}"},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (code, "so far\n"), done.stderr


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("store.comit=kill", "no failpoint 'store.comit'"),
        (f"{NAME}", "'' is none of kill"),
        (f"{NAME}=vanish", "'vanish' is none of kill"),
        (f"{NAME}=kill:3", "'kill:3' is none of kill"),
        (f"{NAME}=delay", "'delay' is none of kill"),
        (f"{NAME}=delay:soon", "'soon' is no number"),
        (f"{NAME}=delay:-1", "'-1' is no number"),
        (f"{NAME}=delay:nan", "'nan' is no number"),
        (f"{NAME}=kill@0", "'0' is none of a passage's number"),
        (f"{NAME}=kill@often", "'often' is none of a passage's number"),
        (f"{NAME}=kill@x%3", "'x' is no number"),
        (f"{NAME}=kill@5%x", "'x' is no number"),
    ],
)
def test_variable_that_says_what_cannot_be_is_refused(text: str, words: str) -> None:
    with pytest.raises(FailpointsError, match=f"{VARIABLE} cannot be used.*{words}"):
        parse(text)


def test_server_with_a_wrong_variable_does_not_start(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "longwire_server", "serve", "--data-dir", str(tmp_path)],
        env={**os.environ, VARIABLE: "store.comit=kill"},
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stdout == ""
    assert "there is no failpoint 'store.comit'" in done.stderr
    assert "Traceback" not in done.stderr


def test_two_failpoints_can_be_armed() -> None:
    armed: dict[str, Callable[[type[Exception]], None]] = failpoints.parse(
        f" {NAME}=error , {OTHER}=error@2,"
    )
    assert set(armed) == {NAME, OTHER}

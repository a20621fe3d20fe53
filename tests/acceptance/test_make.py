"""The commands of the README, as a user types them."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from repository import ROOT

FRESH_CLONE = os.environ.get("LONGWIRE_FRESH_CLONE") == "1"

TARGETS = {
    "install",
    "demo",
    "serve",
    "test",
    "lint",
    "types",
    "protos",
    "verify-protos",
    "bench",
    "docs",
}


def _make(*arguments: str) -> list[str]:
    """A make command that uses this test's environment and installs nothing."""
    stamps = [f"--old-file={sys.prefix}/{name}" for name in (".runtime", ".installed")]
    return ["make", "--no-print-directory", *stamps, f"VENV={sys.prefix}", *arguments]


def _environment(temporary: Path) -> dict[str, str]:
    """The environment, with a folder for temporary files that a test can look into."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LONGWIRE_")}
    return {**kept, "TMPDIR": str(temporary), "MAKEFLAGS": ""}


def _assert_shows_all(screen: str) -> None:
    """Everything that the demo is to show is there, in order and within 80 columns."""
    expected = (
        r"listening on localhost:\d+, process \d+",
        r"asked for by another process, \d+",
        r"aer_simulator +\S+ +active +0 waiting",
        r"fake_sherbrooke +\S+ +active +0 waiting",
        r"\naer_simulator  a simulator",
        r"job [0-9a-f]{32}",
        r"QUEUED .* ms\n.*VALIDATING .* ms\n.*RUNNING .* ms\n.*DONE .* ms",
        r"✓ the same counts as AerSimulator gives",
        r"\nfake_sherbrooke  127 qubits",
        r"DONE .* ms",
        r"000 .*█ ?.* \d+",
        r"111 .*█ ?.* \d+",
        r"Cleaned up",
    )
    assert re.search(".*".join(expected), screen, re.DOTALL), screen
    assert max(map(len, screen.splitlines())) <= 80


def test_make_help_lists_every_target_with_what_it_does() -> None:
    done = subprocess.run(
        _make("help"), cwd=ROOT, capture_output=True, text=True, check=True, env=os.environ
    )
    listed = dict(re.findall(r"^  make ([a-z-]+) +(\S.*)$", done.stdout, re.MULTILINE))
    assert listed.keys() >= TARGETS
    assert all(listed.values())


def test_make_demo_shows_everything_and_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run(
        _make("demo"),
        cwd=ROOT,
        env=_environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    _assert_shows_all(done.stdout)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("signal_number", [signal.SIGINT, signal.SIGTERM])
def test_demo_interrupted_leaves_nothing(signal_number: signal.Signals, tmp_path: Path) -> None:
    demo = subprocess.Popen(
        [sys.executable, "-u", "-m", "examples.demo"],
        cwd=ROOT,
        env=_environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert demo.stdout is not None
    shown = ""
    while "another process" not in shown:
        line = demo.stdout.readline()
        assert line, "the demo ended before its second process began"
        shown += line
    processes = [Path("/proc", number) for number in re.findall(r"process,? (\d+)", shown)]
    assert len(processes) == 2
    demo.send_signal(signal_number)
    _, errors = demo.communicate(timeout=60)
    assert demo.returncode == 128 + signal_number
    assert errors == ""
    assert list(tmp_path.iterdir()) == []
    assert not any(process.exists() for process in processes)


def test_make_with_an_old_python_says_which_one_is_needed(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    done = subprocess.run(
        ["make", "demo", f"PYTHON={old}", f"VENV={tmp_path / 'venv'}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=_environment(tmp_path),
    )
    assert done.returncode != 0
    assert "Longwire needs Python 3.11 or newer" in done.stdout
    assert "make demo PYTHON=python3.12" in done.stdout


@pytest.mark.skipif(not FRESH_CLONE, reason="LONGWIRE_FRESH_CLONE=1 clones and installs anew")
@pytest.mark.timeout(900)
def test_make_demo_in_a_fresh_clone_installs_and_shows_everything(tmp_path: Path) -> None:
    clone = tmp_path / "longwire"
    subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    environment = _environment(temporary)
    # The interpreter behind this test's environment: a machine with only Python.
    interpreter = str(Path(sys.base_prefix, "bin", f"python3.{sys.version_info.minor}"))
    environment.pop("VIRTUAL_ENV", None)
    done = subprocess.run(
        ["make", "--no-print-directory", "demo", f"PYTHON={interpreter}"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Before it stand the commands that make the environment, with long paths.
    _assert_shows_all(done.stdout[done.stdout.index("Longwire  quantum circuits") :])
    assert list(temporary.iterdir()) == []
    # It is large, and pytest would keep it.
    shutil.rmtree(clone)

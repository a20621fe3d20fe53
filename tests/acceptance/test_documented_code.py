"""Python and commands in README and docs run as they stand, against a real server."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from repository import ROOT, relative, repository_files
from server_process import ServerProcess, running_server, wait_until_loaded

from longwire.transport.saved_accounts import SavedAccount, SavedAccounts, write_accounts

# Where the pages say that their server listens.
DOCUMENTED_ADDRESS = "localhost:50051"
# Where an account is, of which they only show how it is used.
DOCUMENTED_HOST = "lab.example.org"
PYTHON_BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^longwire .*$", re.MULTILINE)
LIMIT_SECONDS = 120


def _program(page: Path) -> str:
    """All Python of a page, in one program."""
    return "\n".join(PYTHON_BLOCK.findall(page.read_text(encoding="utf-8")))


def _commands(page: str) -> list[str]:
    """The commands of the client that a page shows on lines of their own."""
    return COMMAND.findall((ROOT / page).read_text(encoding="utf-8"))


PAGES = [path for path in repository_files() if path.suffix == ".md" and _program(path)]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    with running_server(tmp_path_factory.mktemp("documented")) as running:
        wait_until_loaded(running)
        yield running


def test_readme_and_quickstart_have_code() -> None:
    assert {ROOT / "README.md", ROOT / "docs/quickstart.md"} <= set(PAGES)


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_documented_code_runs(
    page: Path, server: ServerProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Somebody has logged in, where a page says so.
    monkeypatch.setenv("LONGWIRE_CONFIG_DIR", str(tmp_path / "accounts"))
    account = SavedAccount(f"{DOCUMENTED_HOST}:50051", token="lw_documented", tls=True)
    write_accounts(SavedAccounts({account.address: account}, account.address))
    program = _program(page).replace(DOCUMENTED_ADDRESS, server.address)
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", program],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("command", [*_commands("README.md"), *_commands("docs/quickstart.md")])
def test_documented_command_succeeds(command: str, server: ServerProcess) -> None:
    program, *arguments = shlex.split(command)
    done = subprocess.run(
        [Path(sys.executable).with_name(program), *arguments],
        cwd=ROOT,
        env={**os.environ, "LONGWIRE_ADDRESS": server.address},
        capture_output=True,
        text=True,
        timeout=LIMIT_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout

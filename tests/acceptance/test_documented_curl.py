"""The commands of docs/howto/http.md, pasted as they stand, on a server of the test's own."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator

import pytest
from http_calls import http_url
from repository import ROOT
from server_process import START_SECONDS, configured_server, wait_until_loaded

PAGE = (ROOT / "docs/howto/http.md").read_text()
URL = "http://localhost:8080"
COMMANDS = [block for block in re.findall(r"```\n(curl .*?)```", PAGE, re.DOTALL) if URL in block]
CONFIG = '[http]\naddress = "localhost:0"\n[[backend]]\nname = "aer_simulator"\n'


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if shutil.which("curl") is None:
        pytest.skip("the documented commands take curl")
    with configured_server(tmp_path_factory.mktemp("curl"), CONFIG) as server:
        wait_until_loaded(server)
        yield http_url(server)


def answers(command: str, url: str) -> list[dict[str, object]]:
    """The lines that a command prints, run from the repository's root."""
    done = subprocess.run(
        ["bash", "-c", command.replace(URL, url)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=True,
    )
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_bell_circuit_runs_by_the_documented_command(url: str) -> None:
    [command] = [each for each in COMMANDS if "RunJob" in each]
    lines = answers(command, url)
    told = json.dumps(lines[-1])
    counts = re.search(r'"counts": (\{[^{}]*\})', told)
    assert counts is not None, told
    found = json.loads(counts[1])
    assert set(found["bitstrings"]) <= {"00", "11"}
    assert sum(map(int, found["counts"])) == 1000


@pytest.mark.parametrize("method", ["ListBackends", "Check"])
def test_other_documented_commands_are_answered(url: str, method: str) -> None:
    [command] = [each for each in COMMANDS if f"/{method} " in each]
    [answer] = answers(command, url)
    assert answer.get("status") == "SERVING" or answer["backends"]

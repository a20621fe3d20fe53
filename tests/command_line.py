"""The command ``longwire`` in processes of its own, for tests."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

# Generous: other work may load the machine.
SECONDS = 120
COMMAND = str(Path(sys.executable).with_name("longwire"))


class CommandLine:
    """The command, with the server's address in its environment."""

    def __init__(self, address: str, directory: Path) -> None:
        self.directory = directory
        self.environment = {**os.environ, "LONGWIRE_ADDRESS": address, "COLUMNS": "80"}
        self.environment.pop("NO_COLOR", None)
        self.processes: list[subprocess.Popen[str]] = []

    def __call__(self, *words: str, python: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", python] if python else [COMMAND]
        return subprocess.run(
            [*command, *words],
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )

    def json(self, *words: str) -> Any:
        done = self(*words, "--json")
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout)

    def error(self, *words: str) -> tuple[int, dict[str, str]]:
        """The exit code and the error of a command that fails."""
        failed = self(*words, "--json")
        document = json.loads(failed.stderr)
        assert list(document) == ["error"]
        return failed.returncode, document["error"]

    def started(self, *words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [COMMAND, *words],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.processes.append(process)
        return process

    def close(self) -> None:
        for process in self.processes:
            with process:
                process.kill()


def read_until(process: subprocess.Popen[str], word: str, *, stream: str = "stderr") -> str:
    """What the process has written when a word appears in it."""
    # Past the buffer of the stream, of which select knows nothing.
    return read_descriptor_until(getattr(process, stream).fileno(), word)


def read_descriptor_until(descriptor: int, word: str) -> str:
    """What has come through a descriptor when a word appears in it."""
    text, give_up_at = b"", time.monotonic() + SECONDS
    while word.encode() not in text:
        assert select.select([descriptor], [], [], give_up_at - time.monotonic())[0], text
        written = os.read(descriptor, 65536)
        assert written, text
        text += written
    return text.decode()

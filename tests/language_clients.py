"""The example clients as programs: how each is built and run, and what that takes."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from repository import ROOT
from server_process import START_SECONDS

# From nothing, on a loaded machine, packages fetched.
BUILD_SECONDS = 1500.0


@dataclass(frozen=True)
class Language:
    """An example client."""

    name: str
    folder: str
    tools: Mapping[str, str]
    """The programs that building and running it take, and what each belongs to."""

    build: Sequence[Sequence[str]]
    """The commands that build it, in its folder."""

    circuits: Sequence[str]
    """What starts the client."""

    conformance: Sequence[str]
    """What starts the program that decodes and encodes messages."""

    checks: Sequence[Sequence[str]] = ()
    """The client's own tests, and what looks at its style."""

    files: Sequence[str] = field(default=())
    """Files that have to be there, such as a library's."""

    @property
    def path(self) -> Path:
        """Its folder."""
        return ROOT / "examples" / self.folder

    def missing(self) -> str:
        """What is not there that it takes; empty where all is."""
        lacking = [f"{tool} ({what})" for tool, what in self.tools.items() if not which(tool)]
        lacking += [name for name in self.files if not Path(name).exists()]
        return f"the client in {self.name} takes {', '.join(lacking)}" if lacking else ""

    def make(self) -> None:
        """Builds it; where that was done, its build tool sees so itself."""
        # One process at a time: tests run in several.
        with (self.path / ".gitignore").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for command in self.build:
                self._do(command)

    def check(self) -> None:
        """Runs its own tests, and looks at its style."""
        with (self.path / ".gitignore").open() as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            for command in self.checks:
                self._do(command)

    def _do(self, command: Sequence[str]) -> None:
        done = subprocess.run(
            [which(command[0]) or command[0], *command[1:]],
            cwd=self.path,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=BUILD_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-8000:]}"

    def start(
        self, *arguments: str, variables: Mapping[str, str] | None = None
    ) -> subprocess.Popen[str]:
        """Starts the client, whose output can be read while it runs."""
        return subprocess.Popen(
            [*self._command(self.circuits), *arguments],
            cwd=self.path,
            env=environment() | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments: str, variables: Mapping[str, str] | None = None) -> Outcome:
        """Runs the client to its end."""
        with self.start(*arguments, variables=variables) as process:
            output, errors = process.communicate(timeout=START_SECONDS)
        return Outcome(process.returncode, output.splitlines(), errors.splitlines())

    def encode_again(self, source: Path, target: Path) -> None:
        """Has every message of a folder decoded, and encoded into another."""
        target.mkdir()
        command = [*self._command(self.conformance), str(source), str(target)]
        ended = subprocess.run(
            command,
            cwd=self.path,
            env=environment(),
            capture_output=True,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr

    def _command(self, command: Sequence[str]) -> list[str]:
        return [which(command[0]) or str(self.path / command[0]), *command[1:]]


@dataclass(frozen=True)
class Outcome:
    """How a client ended."""

    code: int
    lines: list[str]
    errors: list[str]

    def of(self, kind: str) -> list[str]:
        """What follows a word at the beginning of lines of its output."""
        return [line.partition(" ")[2] for line in self.lines if line.startswith(f"{kind} ")]


def which(tool: str) -> str | None:
    """Where a program is, also where its installer put it and no PATH names it."""
    path = os.pathsep.join(
        [os.environ["PATH"], "/usr/local/go/bin", str(Path.home() / ".cargo/bin")]
    )
    return shutil.which(tool, path=path)


def environment() -> dict[str, str]:
    """This process's variables, without those of Longwire and of its own Python."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LONGWIRE_", "PYTHON"))}
    folders = [str(Path(found).parent) for tool in ("go", "cargo") if (found := which(tool))]
    return {**kept, "PATH": os.pathsep.join([kept["PATH"], *folders]), "LC_ALL": "C.UTF-8"}


_PYTHON = ".venv/bin/python"
LANGUAGES = (
    Language(
        "Go",
        "go",
        {"go": "the Go toolchain, version 1.26 or newer"},
        [["go", "build", "-o", "bin/", "./cmd/..."]],
        ["bin/circuits"],
        ["bin/conformance"],
        [
            ["go", "vet", "./..."],
            ["bash", "-c", 'test -z "$(gofmt -l $(git ls-files "*.go"))"'],
            ["go", "test", "./..."],
        ],
    ),
    Language(
        "Java",
        "java",
        {"java": "a JDK, version 17 or newer", "javac": "the same", "mvn": "Maven"},
        [["mvn", "--quiet", "--batch-mode", "package"]],
        ["java", "-jar", "target/circuits.jar"],
        ["java", "-cp", "target/circuits.jar", "longwire.example.Conformance"],
    ),
    Language(
        "TypeScript",
        "typescript",
        {"node": "Node.js, version 20 or newer", "npm": "the same"},
        [["npm", "ci", "--no-audit", "--no-fund"], ["npm", "run", "build"]],
        ["node", "dist/circuits.js"],
        ["node", "dist/conformance.js"],
        [["npm", "run", "lint"]],
    ),
    Language(
        "Rust",
        "rust",
        {"cargo": "the Rust toolchain, version 1.89 or newer", "cc": "a C compiler"},
        [["cargo", "build", "--quiet", "-j2"]],
        ["target/debug/circuits"],
        ["target/debug/conformance"],
        [
            ["cargo", "fmt", "--check"],
            ["cargo", "clippy", "--quiet", "-j2", "--all-targets", "--", "-D", "warnings"],
            ["cargo", "test", "--quiet", "-j2"],
        ],
    ),
    Language(
        "C++",
        "cpp",
        {
            "cmake": "CMake",
            "g++": "a C++ compiler",
            "protoc": "protobuf's compiler",
            "grpc_cpp_plugin": "gRPC's plugin of it",
            "ninja": "Ninja",
            "pkg-config": "pkg-config, and the libraries that the client's README names",
        },
        [
            ["cmake", "-S", ".", "-B", "build", "-G", "Ninja"],
            ["cmake", "--build", "build", "-j2"],
        ],
        ["build/circuits"],
        ["build/conformance"],
    ),
    Language(
        "Python without Qiskit",
        "grpcio",
        {},
        [
            [sys.executable, "-m", "venv", ".venv"],
            [_PYTHON, "-m", "pip", "install", "--quiet", "--requirement", "requirements.txt"],
            [_PYTHON, "generate.py"],
        ],
        [_PYTHON, "-m", "circuits"],
        [_PYTHON, "-m", "circuits.conformance"],
    ),
)

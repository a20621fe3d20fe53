"""The repository's own files, for tests of the house around the code."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# What tools leave behind and .gitignore names.
_SKIPPED_FOLDERS = {
    "__pycache__",
    "bin",
    "build",
    "dist",
    "gen",
    "htmlcov",
    "node_modules",
    "target",
}
_KEPT_HIDDEN = {".ci", ".gitignore", ".dockerignore"}
_TEXT_ENDINGS = {
    "", ".cfg", ".cpp", ".go", ".html", ".ini", ".java", ".json", ".md", ".mako", ".proto",
    ".py", ".pyi", ".qasm", ".rs", ".sh", ".toml", ".ts", ".txt", ".yaml", ".yml",
}  # fmt: skip


def repository_files() -> Iterator[Path]:
    """Every file that belongs to the repository."""
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = sorted(
            name
            for name in subfolders
            if name not in _SKIPPED_FOLDERS
            and not name.endswith(".egg-info")
            and (not name.startswith(".") or name in _KEPT_HIDDEN)
            and not Path(folder, name, "pyvenv.cfg").exists()
        )
        for name in sorted(names):
            if not name.startswith(".") or name in _KEPT_HIDDEN:
                yield Path(folder, name)


def text_files() -> Iterator[Path]:
    """Those of them that people read."""
    return (path for path in repository_files() if path.suffix in _TEXT_ENDINGS)


def written_python_files() -> Iterator[Path]:
    """The Python files that are not generated."""
    return (
        path
        for path in repository_files()
        if path.suffix == ".py" and not path.stem.endswith(("_pb2", "_pb2_grpc"))
    )


def relative(path: Path) -> str:
    """The path as it stands in the repository."""
    return path.relative_to(ROOT).as_posix()

"""Nothing is too large to be read at once."""

from __future__ import annotations

import ast
from pathlib import Path

from repository import relative, repository_files, written_python_files

CODE_LINES = 500
TEST_LINES = 800
PROTO_LINES = 400
FUNCTION_LINES = 60
# Names that say nothing of what is inside.
EMPTY_NAMES = {"utils", "util", "common", "helpers", "helper", "core", "misc"}


def _lines(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def _line_limit(path: Path) -> int:
    return TEST_LINES if relative(path).startswith("tests/") else CODE_LINES


def test_python_files_are_short_enough() -> None:
    too_long = {
        relative(path): _lines(path)
        for path in written_python_files()
        if _lines(path) > _line_limit(path)
    }
    assert too_long == {}


def test_protos_are_short_enough() -> None:
    too_long = {
        relative(path): _lines(path)
        for path in repository_files()
        if path.suffix == ".proto" and _lines(path) > PROTO_LINES
    }
    assert too_long == {}


def _body_lines(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of what a function does: neither its parameters, which Qiskit's models
    may dictate, nor its docstring."""
    first = function.body[ast.get_docstring(function) is not None :][:1]
    return (function.end_lineno or 0) - first[0].lineno + 1 if first else 0


def test_functions_fit_on_a_screen() -> None:
    too_long = {
        f"{relative(path)}: {node.name}": length
        for path in written_python_files()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        if (length := _body_lines(node)) > FUNCTION_LINES
    }
    assert too_long == {}


def test_modules_have_names_that_say_what_is_inside() -> None:
    empty = [
        relative(path)
        for path in written_python_files()
        if path.stem in EMPTY_NAMES or path.parent.name in EMPTY_NAMES
    ]
    assert empty == []

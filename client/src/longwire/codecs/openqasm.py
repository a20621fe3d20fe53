"""OpenQASM text: which version it says it is, and its circuit."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from longwire.v1 import program_pb2

if TYPE_CHECKING:
    from qiskit import QuantumCircuit

    from longwire.errors import InvalidProgramError

__all__ = ["openqasm_format", "parse_openqasm"]

# The version statement, after blanks and comments only (both languages demand that).
_LINE_AND_COLUMN = re.compile(r"^(\d+),(\d+):")
_HEADER = re.compile(
    r"(?:[\s\ufeff]++|//[^\n]*+|/\*.*?\*/)*+OPENQASM\s++(\d++)(?:\.\d++)?\s*+;", re.DOTALL
)


def openqasm_format(text: str, index: int = 0) -> program_pb2.ProgramFormat.ValueType:
    """The format that a text's version statement declares.

    Args:
        text: the program.
        index: its place among the job's programs, for the error.

    Raises:
        InvalidProgramError: it has no such statement, or one of another version.
    """
    header = _HEADER.match(text)
    if header is None:
        raise _invalid(
            f"circuit {index}: the text does not begin with its version: put 'OPENQASM 3.0;' or "
            "'OPENQASM 2.0;' on its first line (a file name is not taken: read the file first)"
        )
    if header[1] == "2":
        return program_pb2.PROGRAM_FORMAT_OPENQASM2
    if header[1] == "3":
        return program_pb2.PROGRAM_FORMAT_OPENQASM3
    raise _invalid(f"circuit {index}: OpenQASM {header[1]} is not known: use version 3.0 or 2.0")


def parse_openqasm(
    text: str, program_format: program_pb2.ProgramFormat.ValueType, place: str = "circuit 0"
) -> QuantumCircuit:
    """The circuit of a text. Only for a process with limits on memory and time.

    Args:
        text: the program.
        program_format: OpenQASM 2, with Qiskit's additions to qelib1.inc and no
            other file to include, or OpenQASM 3.
        place: which of the job's programs it is, for the error.

    Raises:
        InvalidProgramError: it is not valid; the message gives line and column
            where the parser does.
    """
    from qiskit import qasm2, qasm3

    try:
        if program_format == program_pb2.PROGRAM_FORMAT_OPENQASM2:
            # An empty include_path keeps the parser away from the server's files.
            return qasm2.loads(
                text, include_path=(), custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS
            )
        # Never loads_experimental, which prints files of the server.
        circuit: QuantumCircuit = qasm3.loads(text)
    except MemoryError:
        raise
    except Exception as error:  # the importer lets IndexError and others of its own pass
        raise _invalid(f"{place}: {_describe(error)}") from error
    return circuit


def _describe(error: Exception) -> str:
    """The parser's message with its line and column, which it gives in several ways."""
    text = getattr(error, "message", "") or str(error)
    if not text:
        # openqasm3's syntax errors have no text; ANTLR's exception below has the token.
        cause = error.__cause__
        reason = cause.args[0] if cause is not None and cause.args else cause
        token = getattr(reason, "offendingToken", None)
        if token is not None:
            return f"line {token.line}, column {token.column}: {token.text!r} is not expected here"
        return f"it cannot be parsed ({type(error).__name__})"
    return _LINE_AND_COLUMN.sub(r"line \1, column \2:", text.removeprefix("<input>:"))


def _invalid(message: str) -> InvalidProgramError:
    from longwire.errors import InvalidProgramError

    return InvalidProgramError(message, reason="PROGRAM_INVALID")

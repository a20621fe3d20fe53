"""What of an OpenQASM text its parser reads: the text without comments and strings.

What begins first counts, as it does for the parsers: a quote in a comment begins no
string, and two slashes in a string no comment. Both parsers were asked what ends what.
"""

from __future__ import annotations

import re

from longwire.v1 import program_pb2

__all__ = ["text_to_count"]

# An unclosed comment goes to the end: no parser reads what begins with ``/*``.
_OPENQASM2 = re.compile(
    r"""
    //[^\n]*
    | (?P<string> "[^"\n]*" | '[^'\n]*' )
    """,
    re.VERBOSE,
)
# In version 3 a carriage return ends a line as well, and whatever follows a pragma or
# an annotation on its line is its content.
_OPENQASM3 = re.compile(
    r"""
    //[^\r\n]*
    | /\*.*?(?:\*/|\Z)
    | (?<!\w)\#?pragma\b[^\r\n]*
    | @[^\W\d][^\r\n]*
    | (?P<string> "[^"\r\n]*" | '[^'\r\n]*' )
    """,
    re.VERBOSE | re.DOTALL,
)


def text_to_count(text: str, program_format: program_pb2.ProgramFormat.ValueType) -> str:
    """The text with a blank for each comment, pragma and annotation, and empty strings."""
    is_old = program_format == program_pb2.PROGRAM_FORMAT_OPENQASM2
    return (_OPENQASM2 if is_old else _OPENQASM3).sub(_blank, text)


def _blank(found: re.Match[str]) -> str:
    return '""' if found["string"] else " "

"""What the writer and the reader of values agree on."""

from __future__ import annotations

from longwire.codecs.failure import MisfitError

__all__ = ["MAXIMUM_DEPTH", "PLAIN_TYPES", "too_deep"]

# A struct or map takes three levels of messages, and protobuf's parsers refuse
# more than 100 of them; the difference is left for what encloses the value.
MAXIMUM_DEPTH = 30

# Exact types that protobuf takes as they are, with their kind. It refuses integers
# beyond 64 bits and text that is not Unicode; those take the long way.
PLAIN_TYPES: dict[type, str] = {
    bool: "bool_value",
    int: "int_value",
    float: "double_value",
    str: "string_value",
    bytes: "bytes_value",
}


def too_deep() -> MisfitError:
    """The complaint about a value that nests beyond the limit."""
    return MisfitError(f"it nests deeper than {MAXIMUM_DEPTH} lists and dictionaries")

"""Turns pydantic's findings into sentences that say what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from longwire_server.config.lines import Path as KeyPath
from longwire_server.config.problems import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_type": "a number",
    "int_type": "a whole number",
    "mapping_type": "a table",
    "path_type": "a path as text",
    "string_type": "text in quotes",
}
_TOML_TYPES: tuple[tuple[type, str], ...] = (
    (bool, "a truth value"),
    (int, "a whole number"),
    (float, "a number"),
    (str, "text"),
    (list, "an array"),
    (dict, "a table"),
)


def complaints(section: type[BaseModel], error: ValidationError) -> Iterator[tuple[KeyPath, str]]:
    """Yields the key inside the section, and the sentence, of everything found wrong."""
    for details in error.errors(include_url=False):
        if details["type"] == "default_factory_not_called":
            continue  # it follows from another key, whose mistake is told
        yield tuple(details["loc"][:1]), _sentence(section, details)


def toml_type(value: object) -> str:
    """Returns the kind of a TOML value in words, such as ``a whole number``."""
    for kind, words in _TOML_TYPES:
        if isinstance(value, kind):
            return words
    return "a date or a time"


def _sentence(section: type[BaseModel], details: ErrorDetails) -> str:
    """Returns what is wrong with one key and what to write instead."""
    key = str(details["loc"][0])
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "extra_forbidden":
        return f"unknown key; {did_you_mean(key, section.model_fields)}"
    example = _example(section, key)
    if kind == "missing":
        return f"is missing; write {example}"
    if kind == "value_error":
        return str(context["error"])
    if kind in _EXPECTED:
        return f"must be {_EXPECTED[kind]}, is {toml_type(value)}; write {example}"
    if kind == "literal_error":
        return f"is {value!r}; write {context['expected']}"
    return f"is {value!r}, {_bound(kind, context) or details['msg']}; write {example}"


def _bound(kind: str, context: Mapping[str, Any]) -> str | None:
    """Returns the words for a number or text that lies outside what is allowed."""
    match kind:
        case "greater_than_equal":
            return f"must be at least {context['ge']}"
        case "greater_than":
            return f"must be above {context['gt']}"
        case "finite_number":
            return "must be finite"
        case "string_too_short":
            return "must not be empty"
        case _:
            return None


def _example(section: type[BaseModel], key: str) -> str:
    """Returns ``key = value`` with a value that would be accepted."""
    field = section.model_fields[key]
    examples = field.examples or ["..."]
    return f"{key} = {examples[0]}"

"""Turns pydantic's findings into sentences that say what to write instead."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from longwire_server.config.lines import Path as KeyPath
from longwire_server.config.problems import did_you_mean

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a table",
    "model_type": "a table",
    "tuple_type": "an array",
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
        key, table, name = _found(section, details["loc"])
        yield key, _sentence(table, name, details)


def toml_type(value: object) -> str:
    """Returns the kind of a TOML value in words, such as ``a whole number``."""
    for kind, words in _TOML_TYPES:
        if isinstance(value, kind):
            return words
    return "a date or a time"


def _found(
    section: type[BaseModel], location: tuple[int | str, ...]
) -> tuple[KeyPath, type[BaseModel], str]:
    """Returns the key at a location, and the table inside the section that has it, by which name.

    What lies inside a key that is no table counts as the key.
    """
    table, name = section, ""
    key: list[int | str] = []
    inner: type[BaseModel] | None = section
    for part in location:
        if isinstance(part, str):
            if inner is None:
                break
            table, name = inner, part
            field = table.model_fields.get(name)
            inner = None if field is None else next(_tables(field.annotation), None)
        key.append(part)
        if inner is None:
            break
    return tuple(key), table, name


def _tables(annotation: Any) -> Iterator[type[BaseModel]]:
    """Yields the tables in a field's type, which may be left out or stand in an array."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from _tables(argument)


def _sentence(section: type[BaseModel], key: str, details: ErrorDetails) -> str:
    """Returns what is wrong with one key and what to write instead."""
    kind, context, value = details["type"], details.get("ctx", {}), details["input"]
    if kind == "extra_forbidden":
        return f"unknown key; {did_you_mean(key, section.model_fields)}"
    if kind == "value_error":
        return str(context["error"])
    example = _example(section, key)
    if kind == "missing":
        return f"is missing; write {example}"
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

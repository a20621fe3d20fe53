"""What was written once is read for ever: the golden files of every message."""

from __future__ import annotations

from pathlib import Path

import pytest
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from google.protobuf.unknown_fields import UnknownFieldSet
from wire.generate import GOLDEN, golden_messages, message_types, to_json
from wire.special import SPECIAL, special_messages

TYPES = {descriptor.name: descriptor for descriptor in message_types()}
FILES = sorted(GOLDEN.glob("*.binpb"))


def read(path: Path) -> Message:
    """The message in a binary file, whose name begins with the message's."""
    message = GetMessageClass(TYPES[path.stem.partition(".")[0]])()
    message.ParseFromString(path.read_bytes())
    return message


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_binary_is_read_and_written_to_the_same_bytes(path: Path) -> None:
    message = read(path)
    assert message.SerializeToString(deterministic=True) == path.read_bytes()
    assert len(UnknownFieldSet(message)) == 0, "a field has gone, or has another number"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_golden_json_is_the_same_message_and_the_same_text(path: Path) -> None:
    message = read(path)
    text = path.with_suffix(".json").read_text()
    assert json_format.Parse(text, type(message)()) == message
    assert to_json(message) == text


@pytest.mark.parametrize("descriptor", TYPES.values(), ids=lambda descriptor: descriptor.name)
def test_every_field_of_every_message_is_in_a_golden_file(descriptor: Descriptor) -> None:
    paths = [GOLDEN / f"{name}.binpb" for name, _ in golden_messages(descriptor)]
    missing = [path.stem for path in paths if not path.exists()]
    assert not missing, f"run tests/wire/generate.py, and commit {missing}"
    shown = {field.name for path in paths for field, _ in read(path).ListFields()}
    unshown = {field.name for field in descriptor.fields} - shown
    assert not unshown, f"run tests/wire/generate.py --all: {descriptor.name} got {unshown}"


def test_no_golden_file_is_left_of_a_message_that_has_gone() -> None:
    expected = {name for each in TYPES.values() for name, _ in golden_messages(each)}
    assert {path.stem for path in FILES} == expected
    assert {path.name.removesuffix(".json") for path in GOLDEN.glob("*.json")} == expected


@pytest.mark.parametrize("path", sorted(SPECIAL.glob("*.binpb")), ids=lambda path: path.stem)
def test_special_binary_is_read_and_written_to_the_same_bytes(path: Path) -> None:
    assert read(path).SerializeToString(deterministic=True) == path.read_bytes()


@pytest.mark.parametrize("path", sorted(SPECIAL.glob("*.json")), ids=lambda path: path.stem)
def test_special_json_is_the_same_message_but_for_unknown_fields(path: Path) -> None:
    message = read(path.with_suffix(".binpb"))
    message.DiscardUnknownFields()
    told = json_format.Parse(path.read_text(), type(message)())
    assert str(told) == str(message)
    assert to_json(message) == path.read_text()


def test_special_files_are_those_that_are_written() -> None:
    expected = dict(special_messages())
    assert {path.stem for path in SPECIAL.glob("*.binpb")} == set(expected)
    for name, message in expected.items():
        written = (SPECIAL / f"{name}.binpb").read_bytes()
        assert message.SerializeToString(deterministic=True) == written

"""Writes the golden files: one of every message of longwire.v1, with every field filled.

    python tests/wire/generate.py          writes those that are missing
    python tests/wire/generate.py --all    writes all of them anew

A message with a oneof has one file for each of its members. The values say where
they are: a text is its field's name, a number comes from its field's number. A
file that is there shows what an older program wrote; it is written anew only when
its message got a field.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

import longwire.v1

GOLDEN = Path(__file__).parent / "golden"

# Messages inside of messages are filled this deep; Value holds itself without end.
_DEPTH = 4
_TIMESTAMP = "google.protobuf.Timestamp"
# A whole number of milliseconds, which JSON writes with three digits.
_TIME_SECONDS, _TIME_NANOS = 1_767_225_600, 123_000_000


def message_types() -> list[Descriptor]:
    """Every message of longwire.v1, by name."""
    found = {}
    for module in pkgutil.iter_modules(longwire.v1.__path__, "longwire.v1."):
        if module.name.endswith("_pb2"):
            descriptor = importlib.import_module(module.name).DESCRIPTOR
            found.update(descriptor.message_types_by_name)
    return [found[name] for name in sorted(found)]


def golden_messages(descriptor: Descriptor) -> Iterator[tuple[str, Message]]:
    """The messages of one type with the names of their files."""
    choices = [oneof for oneof in descriptor.oneofs if len(oneof.fields) > 1]
    assert len(choices) <= 1, f"{descriptor.name} has several oneofs: name files for their members"
    if not choices:
        yield descriptor.name, filled(descriptor, None, _DEPTH)
    for oneof in choices:
        for member in oneof.fields:
            yield f"{descriptor.name}.{member.name}", filled(descriptor, member, _DEPTH)


def filled(descriptor: Descriptor, member: FieldDescriptor | None, depth: int) -> Message:
    """A message with every field set.

    Args:
        descriptor: its type.
        member: which member of its oneof is set; None takes the first.
        depth: how many messages it may be deep.
    """
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        oneof = field.containing_oneof
        if oneof is not None and field is not (member or oneof.fields[0]) and len(oneof.fields) > 1:
            continue
        if field.message_type is not None:
            fill_message(message, field, depth)
        elif field.is_repeated:
            getattr(message, field.name).extend([scalar(field, 0), scalar(field, 1)])
        else:
            setattr(message, field.name, scalar(field, 0))
    return message


def fill_message(message: Message, field: FieldDescriptor, depth: int) -> None:
    """Sets a field that is a message."""
    descriptor = field.message_type
    assert descriptor is not None
    if descriptor.full_name == _TIMESTAMP:
        getattr(message, field.name).FromNanoseconds(
            (_TIME_SECONDS + field.number) * 1_000_000_000 + _TIME_NANOS
        )
    elif depth == 0:
        return
    elif field.is_repeated:
        getattr(message, field.name).append(filled(descriptor, None, depth - 1))
    else:
        child = getattr(message, field.name)
        child.SetInParent()
        child.CopyFrom(filled(descriptor, None, depth - 1))


def scalar(field: FieldDescriptor, place: int) -> object:
    """The value of a field that is no message, other than its default.

    Args:
        field: the field.
        place: its index, where the field is repeated.
    """
    match field.cpp_type:
        case FieldDescriptor.CPPTYPE_STRING:
            suffix = f" {place}" if place else ""
            text = f"{field.name}{suffix}"
            return text.encode() if field.type == FieldDescriptor.TYPE_BYTES else text
        case FieldDescriptor.CPPTYPE_BOOL:
            return place == 0
        case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
            return field.number + place + 0.25
        case FieldDescriptor.CPPTYPE_ENUM:
            assert field.enum_type is not None
            values = field.enum_type.values
            return values[-1 - place].number
        case FieldDescriptor.CPPTYPE_UINT64:
            return 2**64 - field.number - place
        case FieldDescriptor.CPPTYPE_INT64:
            return -(2**63) + field.number + place
        case _:
            return field.number + place


def to_json(message: Message) -> str:
    """The message as ProtoJSON, with the names of the .proto files."""
    return json_format.MessageToJson(message, preserving_proto_field_name=True, indent=2) + "\n"


def main() -> None:
    """Writes the files that are missing, or all."""
    GOLDEN.mkdir(exist_ok=True)
    for descriptor in message_types():
        for name, message in golden_messages(descriptor):
            binary = GOLDEN / f"{name}.binpb"
            if "--all" in sys.argv[1:] or not binary.exists():
                binary.write_bytes(message.SerializeToString(deterministic=True))
                (GOLDEN / f"{name}.json").write_text(to_json(message))


if __name__ == "__main__":
    main()

"""JSON documents as messages with typed fields.

A message that mirrors a document has a field for each member that is known and
an ``extra`` for the rest. One rule serves them all: a member goes into the field
of its name where the field holds it exactly, and into ``extra`` otherwise. So
nothing is lost, and readers in other languages find typed fields. Two things
are not kept: an integer in a field of type double is read as a float, and a
tuple in a repeated field as a list; as JSON they are equal.

Messages inside a document take three forms:

* with ``extra``: a document of its own;
* ``StructValue``: named values without fixed names;
* ``Array``: a NumPy array;
* others: a list. It fills the message's one repeated field (a row of a table),
  or its fields one by one (a range, a complex number).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from longwire.codecs.array import fill_array, read_array
from longwire.codecs.failure import MisfitError, codec_error
from longwire.codecs.value import fill_struct, read_struct
from longwire.v1 import array_pb2, value_pb2

if TYPE_CHECKING:
    from longwire.providers.models.document import Document

    ModelT = TypeVar("ModelT", bound=Document)
MessageT = TypeVar("MessageT", bound=Message)

__all__ = ["DocumentFields"]

_EXTRA = "extra"
_ARRAY = array_pb2.Array.DESCRIPTOR
_STRUCT = value_pb2.StructValue.DESCRIPTOR
# Beyond it a double does not hold every integer.
_EXACT_INTEGER = 2**53


class DocumentFields:
    """Moves documents of one kind into messages and back.

    Args:
        required_lists: names of repeated fields that stand for a list in every
            document, so that no elements mean an empty list. An empty list of
            another name goes into ``extra``, for there no elements mean that
            the member is absent.
    """

    def __init__(self, *required_lists: str) -> None:
        self._required_lists = frozenset(required_lists)

    def to_message(self, message: MessageT, document: Mapping[str, Any]) -> MessageT:
        """Fills an empty message.

        Raises:
            CodecError: a member cannot be represented; the error gives its place.
        """
        try:
            self._fill(message, document)
        except MisfitError as misfit:
            misfit.inside(message.DESCRIPTOR.name)
            raise misfit.as_codec_error() from misfit.__cause__
        return message

    def to_model(self, message: Message, build: Callable[[dict[str, Any]], ModelT]) -> ModelT:
        """The model of a message.

        Args:
            message: the message.
            build: makes the model of the document.

        Raises:
            CodecError: the message contradicts itself, or is no such document.
        """
        try:
            return build(self._read(message))
        except MisfitError as misfit:
            misfit.inside(message.DESCRIPTOR.name)
            raise misfit.as_codec_error() from misfit.__cause__
        except Exception as error:
            # Whatever the model refuses: the message comes from outside.
            reason = getattr(error, "message", error)
            raise codec_error(f"{message.DESCRIPTOR.name}: {reason}") from error

    def _fill(self, message: Message, document: Mapping[str, Any]) -> None:
        fields = _fields(message.DESCRIPTOR)
        rest: dict[str, Any] = {}
        for name, value in document.items():
            field = fields.get(name)
            try:
                if field is None or not self._put(message, field, value):
                    rest[name] = value
            except MisfitError as misfit:
                raise misfit.inside(f".{name}") from misfit.__cause__
        if rest:
            fill_struct(getattr(message, _EXTRA), rest)

    def _put(self, message: Message, field: FieldDescriptor, value: Any) -> bool:
        """Writes a value into a field that holds it exactly; says whether one did."""
        if field.is_repeated:
            written = self._put_list(message, field, value)
        elif field.message_type is not None:
            part = getattr(message, field.name)
            # Says that the member is there, though it may be empty.
            part.SetInParent()
            written = self._put_part(part, value)
        else:
            written = _is_exact(field, value) and _set_scalar(message, field.name, value)
        if not written:
            message.ClearField(field.name)
        return written

    def _put_list(self, message: Message, field: FieldDescriptor, value: Any) -> bool:
        if not isinstance(value, list | tuple):
            return False
        if not value:
            return field.name in self._required_lists
        elements = getattr(message, field.name)
        if field.message_type is not None:
            return self._put_parts(elements, value)
        if not all(_is_exact(field, element) for element in value):
            return False
        try:
            elements.extend(value)
        except ValueError:
            return False
        return True

    def _put_parts(self, elements: Any, values: Sequence[Any]) -> bool:
        for index, value in enumerate(values):
            try:
                if not self._put_part(elements.add(), value):
                    return False
            except MisfitError as misfit:
                raise misfit.inside(f"[{index}]") from misfit.__cause__
        return True

    def _put_part(self, part: Any, value: Any) -> bool:
        descriptor = part.DESCRIPTOR
        if descriptor is _ARRAY:
            return _set_array(part, value)
        if descriptor is _STRUCT or _is_document(descriptor):
            if not isinstance(value, dict):
                return False
            if descriptor is _STRUCT:
                fill_struct(part, value)
            else:
                self._fill(part, value)
            return True
        fields = _fields(descriptor)
        if not isinstance(value, list | tuple):
            return False
        if _is_row(descriptor):
            [field] = fields.values()
            return not value or self._put(part, field, value)
        return len(value) == len(fields) and all(
            self._put(part, field, element)
            for field, element in zip(fields.values(), value, strict=True)
        )

    def _read(self, message: Message) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name, field in _fields(message.DESCRIPTOR).items():
            value = getattr(message, name)
            try:
                if field.is_repeated:
                    if value or name in self._required_lists:
                        document[name] = self._read_list(value, field)
                elif not field.has_presence or message.HasField(name):
                    document[name] = self._read_part(value) if field.message_type else value
            except MisfitError as misfit:
                raise misfit.inside(f".{name}") from misfit.__cause__
        if message.HasField(_EXTRA):
            document.update(read_struct(getattr(message, _EXTRA)))
        return document

    def _read_list(self, elements: Sequence[Any], field: FieldDescriptor) -> list[Any]:
        if field.message_type is None:
            return list(elements)
        parts: list[Any] = []
        for element in elements:
            try:
                parts.append(self._read_part(element))
            except MisfitError as misfit:
                raise misfit.inside(f"[{len(parts)}]") from misfit.__cause__
        return parts

    def _read_part(self, part: Any) -> Any:
        descriptor = part.DESCRIPTOR
        if descriptor is _STRUCT:
            return read_struct(part)
        if descriptor is _ARRAY:
            return read_array(part)
        if _is_document(descriptor):
            return self._read(part)
        fields = _fields(descriptor)
        if _is_row(descriptor):
            [field] = fields.values()
            return self._read_list(getattr(part, field.name), field)
        return [getattr(part, name) for name in fields]


@cache
def _fields(descriptor: Descriptor) -> dict[str, FieldDescriptor]:
    """The fields that have a type, by name."""
    return {field.name: field for field in descriptor.fields if field.name != _EXTRA}


@cache
def _is_document(descriptor: Descriptor) -> bool:
    return _EXTRA in descriptor.fields_by_name


@cache
def _is_row(descriptor: Descriptor) -> bool:
    return len(descriptor.fields) == 1 and descriptor.fields[0].is_repeated


def _is_exact(field: FieldDescriptor, value: Any) -> bool:
    """Whether a scalar field's type holds the value without a change, but for its range."""
    kind = field.cpp_type
    if kind == FieldDescriptor.CPPTYPE_STRING:
        return isinstance(value, str)
    if kind == FieldDescriptor.CPPTYPE_BOOL or isinstance(value, bool):
        return kind == FieldDescriptor.CPPTYPE_BOOL and isinstance(value, bool)
    if kind == FieldDescriptor.CPPTYPE_DOUBLE:
        return isinstance(value, float) or (isinstance(value, int) and abs(value) <= _EXACT_INTEGER)
    return isinstance(value, int)


def _set_array(message: Any, value: Any) -> bool:
    # Only arrays have a dtype; they are known by it so as not to import NumPy.
    if not hasattr(value, "dtype"):
        return False
    fill_array(message, value)
    return True


def _set_scalar(message: Message, name: str, value: Any) -> bool:
    try:
        setattr(message, name, value)
    except ValueError:
        # An integer out of range, or text that UTF-8 cannot hold.
        return False
    return True

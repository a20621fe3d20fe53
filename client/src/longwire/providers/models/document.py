"""What the models share: each mirrors a JSON document."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar

from longwire.providers.models.html_table import html_table

if TYPE_CHECKING:
    from longwire.errors import LongwireError

__all__ = ["Document", "part_from", "parts_from", "plain", "rows_from"]

_SCALARS = frozenset({str, int, float, bool, type(None)})

PartT = TypeVar("PartT", bound="Document")


class Document:
    """A record that mirrors a JSON document: its named fields, and whatever else it holds.

    Fields and further members are attributes alike; one that the document does
    not have raises AttributeError, as in Qiskit, except where the class has a
    default. A member that is null in the document is an attribute that is None.
    :meth:`to_dict` and :meth:`from_dict` are inverse, neither changes nor shares
    what it was given.
    """

    # The fields that a document must have, and those that it may have, in the
    # order of to_dict.
    _REQUIRED: ClassVar[tuple[str, ...]] = ()
    _OPTIONAL: ClassVar[tuple[str, ...]] = ()
    # Parameters of the constructor that a document may lack.
    _DISPENSABLE: ClassVar[frozenset[str]] = frozenset()
    # Fields that are dates: datetime in the model, ISO 8601 in the document.
    _DATES: ClassVar[frozenset[str]] = frozenset()
    # The class in longwire.errors for a document that cannot be read.
    _ERROR: ClassVar[str] = "LongwireError"

    _extra: dict[str, Any]
    # How the document spelled a date where isoformat() would spell it otherwise.
    _spelling: Mapping[str, str] = {}

    def _store(self, extra: Mapping[str, Any], /, **fields: Any) -> None:
        """Takes the constructor's arguments; an optional field that is None is absent."""
        state = self.__dict__
        state["_extra"] = {}
        for name, value in fields.items():
            if value is not None or name in self._REQUIRED:
                state[name] = self._date(name, value) if name in self._DATES else value
        for name, value in extra.items():
            (state if name in self._OPTIONAL else self._extra)[name] = value

    def _date(self, name: str, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            date = datetime.fromisoformat(value)
        except ValueError as error:
            raise self._failure(f"{name}: {value!r} is not an ISO 8601 date and time") from error
        if date.isoformat() != value:
            self.__dict__["_spelling"] = {**self._spelling, name: value}
        return date

    def _date_text(self, name: str, date: datetime) -> str:
        spelling = self._spelling.get(name)
        if spelling is not None and datetime.fromisoformat(spelling) == date:
            return spelling
        return date.isoformat()

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The model of a document, in the form that :meth:`to_dict` gives.

        Raises:
            LongwireError: a required member is missing, or a value cannot be
                read; the message gives its place. Configurations raise
                BackendConfigurationError, properties BackendPropertyError.
        """
        return cls._read(plain(data))

    @classmethod
    def _read(cls, data: Any) -> Self:
        """As :meth:`from_dict`, for a document that the model may keep."""
        if not isinstance(data, Mapping):
            raise cls._failure(f"a JSON object is needed, not {type(data).__name__}")
        missing = [name for name in cls._REQUIRED if name not in data]
        if missing:
            raise cls._failure(f"{cls.__name__}: its document lacks {', '.join(missing)}")
        arguments = dict.fromkeys(cls._DISPENSABLE) | cls._parsed({**data})
        model = cls(**arguments)
        model._match(data)
        return model

    @classmethod
    def _parsed(cls, data: dict[str, Any]) -> dict[str, Any]:
        """The constructor's arguments for a document; subclasses parse its parts."""
        return data

    def _match(self, data: Mapping[str, Any]) -> None:
        """Makes exactly the fields of the document present: null and absent differ there."""
        for name in self._OPTIONAL:
            if name not in data:
                self.__dict__.pop(name, None)
            elif data[name] is None:
                self.__dict__[name] = None

    def to_dict(self) -> dict[str, Any]:
        """The document: a new dictionary, with dates as ISO 8601 text."""
        return self._members("to_dict")

    def to_si_dict(self) -> dict[str, Any]:
        """As :meth:`to_dict`, with numbers as the attributes have them.

        Quantities are in SI units, samples are arrays.
        """
        return self._members("to_si_dict")

    def _members(self, form: str) -> dict[str, Any]:
        document: dict[str, Any] = {}
        for name in (*self._REQUIRED, *self._OPTIONAL):
            if name in self.__dict__:
                value = self.__dict__[name]
                if type(value) in _SCALARS:
                    document[name] = value
                elif isinstance(value, datetime) and name in self._DATES:
                    document[name] = self._date_text(name, value)
                else:
                    document[name] = plain(value, form)
        for name, value in self._extra.items():
            document[name] = plain(value, form)
        return document

    @classmethod
    def _failure(cls, message: str) -> LongwireError:
        """The error for a document that cannot be read."""
        # Imported here, for it imports qiskit.
        from longwire import errors

        error: LongwireError = getattr(errors, cls._ERROR)(message)
        return error

    def __getattr__(self, name: str) -> Any:
        # Reached only for what is no field. While an object is copied or
        # unpickled it has no _extra yet.
        extra = self.__dict__.get("_extra", {})
        if name in extra:
            return extra[name]
        raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")

    def __setattr__(self, name: str, value: Any) -> None:
        if name in self._REQUIRED or name in self._OPTIONAL:
            self.__dict__[name] = self._date(name, value) if name in self._DATES else value
        elif name in self._extra or not (name.startswith("_") or hasattr(type(self), name)):
            self._extra[name] = value
        else:
            super().__setattr__(name, value)

    def __delattr__(self, name: str) -> None:
        if name in self._extra:
            del self._extra[name]
        else:
            super().__delattr__(name)

    def __dir__(self) -> Iterable[str]:
        return sorted({*super().__dir__(), *self._extra})

    def __contains__(self, name: object) -> bool:
        named = name in self._REQUIRED or name in self._OPTIONAL
        return (named and name in self.__dict__) or name in self._extra

    def __copy__(self) -> Self:
        twin = type(self).__new__(type(self))
        twin.__dict__.update(self.__dict__)
        twin.__dict__["_extra"] = dict(self._extra)
        return twin

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, type(self)) and not isinstance(self, type(other)):
            return NotImplemented
        return isinstance(other, Document) and self.to_dict() == other.to_dict()

    # Models can be changed, so that a hash by value would not last.
    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        names = [name for name in (*self._REQUIRED, *self._OPTIONAL) if name in self.__dict__]
        # A debugger may ask while the object is being made.
        extra = self.__dict__.get("_extra", {})
        members = {**{name: self.__dict__[name] for name in names}, **extra}
        return f"{type(self).__name__}({', '.join(f'{k}={v!r}' for k, v in members.items())})"

    def _rows(self) -> list[tuple[str, object]]:
        """What a notebook shows: names and values."""
        return list(self.to_dict().items())

    def _repr_html_(self) -> str:
        return html_table(type(self).__name__, self._rows())


def plain(value: Any, form: str = "to_dict") -> Any:
    """A copy of nested lists and dictionaries in which models are documents.

    Args:
        value: the value.
        form: the method that makes a model a document.
    """
    if isinstance(value, Document):
        return getattr(value, form)()
    # Most members are scalars: spared the call, a document takes half the time.
    if isinstance(value, dict):
        return {
            key: member if type(member) in _SCALARS else plain(member, form)
            for key, member in value.items()
        }
    if isinstance(value, list):
        return [member if type(member) in _SCALARS else plain(member, form) for member in value]
    if isinstance(value, tuple):
        return tuple(plain(member, form) for member in value)
    return value


def part_from(part: type[PartT], document: Any, place: str) -> PartT:
    """The model of a document that is part of another and already copied.

    A model is taken as it is.

    Raises:
        LongwireError: as :meth:`Document.from_dict`, with the place in front.
    """
    if isinstance(document, part):
        return document
    try:
        return part._read(document)
    except _longwire_error() as error:
        raise type(error)(f"{place}: {error.message}") from error


def parts_from(part: type[PartT], documents: Any, place: str) -> list[PartT]:
    """The models of a list of documents that is part of another document.

    Raises:
        LongwireError: as :func:`part_from`.
    """
    if not isinstance(documents, list | tuple):
        raise part._failure(f"{place}: a list is needed, not {type(documents).__name__}")
    return [
        part_from(part, document, f"{place}[{index}]") for index, document in enumerate(documents)
    ]


def rows_from(part: type[PartT], rows: Any, place: str) -> list[list[PartT]]:
    """The models of a list of lists of documents.

    Raises:
        LongwireError: as :func:`part_from`.
    """
    if not isinstance(rows, list | tuple):
        raise part._failure(f"{place}: a list is needed, not {type(rows).__name__}")
    return [parts_from(part, row, f"{place}[{index}]") for index, row in enumerate(rows)]


def _longwire_error() -> type[LongwireError]:
    """The root of the errors, imported when one was raised: it imports qiskit."""
    from longwire.errors import LongwireError

    return LongwireError

"""Writes docs/reference/protocol.md from the comments of the protos.

python protos/reference.py           writes the page
python protos/reference.py --check   exits 1 where the committed page differs
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from importlib.resources import files
from pathlib import Path

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
    ServiceDescriptorProto,
)
from grpc_tools import protoc

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs/reference/protocol.md"
FOLDER = "longwire/v1"
PACKAGE = ".longwire.v1."

HEAD = """\
# Protocol reference
Every service, message, field and enum value of the package `longwire.v1`.
[The protocol](../protocol.md) explains how they work together.

<!-- Generated from protos/longwire/v1 by `make docs`. Do not edit. -->
"""

# Of descriptor.proto: where a member stands in its parent, as comments are indexed.
MESSAGE, ENUM, SERVICE = 4, 5, 6
FIELD, VALUE, METHOD = 2, 2, 2

Place = tuple[int, ...]


def read_protos() -> list[FileDescriptorProto]:
    """The parsed protos with their comments, services first."""
    sources = sorted(str(path) for path in (ROOT / "protos" / FOLDER).glob("*.proto"))
    with tempfile.TemporaryDirectory() as scratch:
        output = Path(scratch, "set.bin")
        arguments = [
            "protoc",
            f"--proto_path={ROOT / 'protos'}",
            f"--proto_path={files('grpc_tools') / '_proto'}",
            "--include_source_info",
            f"--descriptor_set_out={output}",
            *sources,
        ]
        if protoc.main(arguments) != 0:
            raise SystemExit("protoc failed")
        found = FileDescriptorSet.FromString(output.read_bytes())
    return sorted(found.file, key=lambda file: (not file.service, file.name))


class ProtoPage:
    """One .proto file as Markdown.

    Args:
        file: the file with its comments.
    """

    def __init__(self, file: FileDescriptorProto) -> None:
        self._file = file
        self._locations = {
            tuple(location.path): location for location in file.source_code_info.location
        }

    def lines(self) -> Iterator[str]:
        """The file's part of the page."""
        yield f"## {self._file.name.removeprefix(FOLDER + '/')}"
        yield from _paragraphs(self._head_comment())
        for index, service in enumerate(self._file.service):
            yield from self._service(service, (SERVICE, index))
        for index, message in enumerate(self._file.message_type):
            yield from self._message(message, (MESSAGE, index))
        for index, enum in enumerate(self._file.enum_type):
            yield from self._enum(enum, (ENUM, index))

    def _head_comment(self) -> str:
        syntax = self._locations[12,]
        return "\n".join([*syntax.leading_detached_comments, syntax.leading_comments])

    def _service(self, service: ServiceDescriptorProto, path: Place) -> Iterator[str]:
        yield f"### service {service.name}"
        yield from _paragraphs(self._comment(path))
        for index, method in enumerate(service.method):
            yield f"#### {method.name}"
            yield f"`{_signature(method)}`\n"
            yield from _paragraphs(self._comment((*path, METHOD, index)))

    def _message(self, message: DescriptorProto, path: Place) -> Iterator[str]:
        yield f"### {message.name}"
        yield from _paragraphs(self._comment(path))
        rows = [
            (f"{field.number}", f"`{field.name}`", _type(message, field), comment)
            for index, field in enumerate(message.field)
            for comment in [self._comment((*path, FIELD, index))]
        ]
        yield from _table(("", "field", "type", ""), rows)

    def _enum(self, enum: EnumDescriptorProto, path: Place) -> Iterator[str]:
        yield f"### enum {enum.name}"
        yield from _paragraphs(self._comment(path))
        rows = [
            (f"{value.number}", f"`{value.name}`", self._comment((*path, VALUE, index)))
            for index, value in enumerate(enum.value)
        ]
        yield from _table(("", "value", ""), rows)

    def _comment(self, path: Place) -> str:
        location = self._locations[path]
        return location.leading_comments or location.trailing_comments


def _signature(method: MethodDescriptorProto) -> str:
    answer = method.output_type.removeprefix(PACKAGE)
    stream = "stream " if method.server_streaming else ""
    return (
        f"rpc {method.name}({method.input_type.removeprefix(PACKAGE)}) returns ({stream}{answer})"
    )


def _type(message: DescriptorProto, field: FieldDescriptorProto) -> str:
    kind = FieldDescriptorProto.Type.Name(field.type).removeprefix("TYPE_").lower()
    name = field.type_name.removeprefix(PACKAGE).lstrip(".") or kind
    if field.label == FieldDescriptorProto.LABEL_REPEATED:
        return f"repeated {name}"
    if field.proto3_optional:
        return f"optional {name}"
    if field.HasField("oneof_index"):
        return f"{name}, one of `{message.oneof_decl[field.oneof_index].name}`"
    return name


def _paragraphs(comment: str) -> Iterator[str]:
    """The comment's paragraphs, each in one line and followed by an empty one."""
    text = "\n".join(line.strip() for line in comment.strip().splitlines())
    for paragraph in re.split(r"\n\n+", text):
        if paragraph:
            yield " ".join(paragraph.splitlines()) + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    rows = list(rows)
    if not rows:
        return
    yield f"| {' | '.join(head)} |"
    yield f"|{'---|' * len(head)}"
    for row in rows:
        cells = (" ".join(cell.split()).replace("|", r"\|") for cell in row)
        yield f"| {' | '.join(cells)} |"
    yield ""


def main() -> int:
    """Writes the page, or compares it."""
    page = (
        HEAD + "\n" + "\n".join(line for file in read_protos() for line in ProtoPage(file).lines())
    )
    page = page.rstrip() + "\n"
    if sys.argv[1:] != ["--check"]:
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        PAGE.write_text(page, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page:
        print(f"{PAGE.relative_to(ROOT)} differs from the protos; run 'make docs' and commit it")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

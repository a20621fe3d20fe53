"""Every message decoded and encoded again: python -m circuits.conformance INPUT OUTPUT."""

from __future__ import annotations

import importlib
import pkgutil
import sys
from pathlib import Path

from google.protobuf import json_format
from google.protobuf.message_factory import GetMessageClass

import longwire.v1


def main() -> int:
    """Reads NAME.binpb and NAME.json of a folder, and writes them to another."""
    if len(sys.argv) != 3:
        print("error: give two folders: INPUT OUTPUT", file=sys.stderr)
        return 2
    source, target = map(Path, sys.argv[1:])
    types = {}
    for module in pkgutil.iter_modules(longwire.v1.__path__, "longwire.v1."):
        if module.name.endswith("_pb2"):
            types.update(importlib.import_module(module.name).DESCRIPTOR.message_types_by_name)
    target.mkdir(parents=True, exist_ok=True)
    for path in sorted(source.glob("*.binpb")):
        message_class = GetMessageClass(types[path.name.partition(".")[0]])
        message = message_class.FromString(path.read_bytes())
        (target / path.name).write_bytes(message.SerializeToString())
        text = json_format.MessageToJson(message, preserving_proto_field_name=True)
        (target / f"{path.stem}.json").write_text(text)
        if (given := path.with_suffix(".json")).exists():
            parsed = json_format.Parse(given.read_text(), message_class())
            (target / f"{path.stem}.from_json.binpb").write_bytes(parsed.SerializeToString())
    return 0


if __name__ == "__main__":
    sys.exit(main())

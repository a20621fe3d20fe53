"""Each language decodes and encodes the messages of the wire as Python does.

What protobuf's library for a language cannot do is listed, with the reason, and looked at
as well: the list says what is true.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from language_clients import BUILD_SECONDS, Language
from wire.generate import GOLDEN, message_types
from wire.special import SPECIAL

# The first test of a client builds it.
pytestmark = pytest.mark.timeout(BUILD_SECONDS + 300)

TYPES = {descriptor.name: descriptor for descriptor in message_types()}
FILES = sorted([*GOLDEN.glob("*.binpb"), *SPECIAL.glob("*.binpb")])
# By language and way, the messages that do not survive it.
LOST: dict[tuple[str, str], set[str]] = {
    # JsonFormat reads -0.0 as 0.0.
    ("java", "from_json"): {"Value.minus_zero", "ComplexValue.minus_zero"},
    # protobuf 3.21 writes JSON of at most 64 levels.
    ("cpp", "json"): {"Value.deep_maps"},
}


def parsed(name: str, content: bytes) -> Message:
    """The message in a file, whose name begins with the message's."""
    message = GetMessageClass(TYPES[name.partition(".")[0]])()
    message.ParseFromString(content)
    return message


def exact(message: Message) -> bytes:
    """What tells messages apart, unknown fields included, but for the bits of a NaN."""
    return message.SerializeToString(deterministic=True)


def as_json(text: str) -> Any:
    """A JSON document with the sign of zeros, which some write as ``-0``."""
    return json.loads(text, parse_int=lambda digits: -0.0 if digits == "-0" else int(digits))


def same_json(message: Message, text: str) -> bool:
    """Whether a text is the ProtoJSON of a message, whatever its spaces and its digits."""
    expected = json_format.MessageToDict(message, preserving_proto_field_name=True)
    return repr(_plain(as_json(text))) == repr(_plain(expected))


def _plain(value: Any) -> Any:
    """A document with one way to write each number, and members in the order of their names."""
    match value:
        case dict():
            return {name: _plain(value[name]) for name in sorted(value)}
        case list():
            return [_plain(each) for each in value]
        case bool() | str() | None:
            return value
        case _:
            return float(value)


@pytest.fixture(scope="session")
def encoded(client: Language, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder into which a client has written every message again."""
    folder = tmp_path_factory.mktemp("messages")
    source = folder / "source"
    source.mkdir()
    lost = LOST.get((client.folder, "json"), set())
    for path in FILES:
        if path.stem not in lost:
            shutil.copy(path, source)
            shutil.copy(path.with_suffix(".json"), source)
    client.encode_again(source, folder / "target")
    return folder / "target"


def wrong(folder: Path, ending: str, lost: set[str]) -> list[str]:
    """The messages that are not what they were."""
    found = []
    for path in FILES:
        if path.stem in lost:
            continue
        message = parsed(path.stem, path.read_bytes())
        if ending == "from_json.binpb":
            # ProtoJSON has no unknown fields.
            message.DiscardUnknownFields()  # type: ignore[no-untyped-call]
        written = parsed(path.stem, (folder / f"{path.stem}.{ending}").read_bytes())
        is_nan = ".nan" in path.stem
        same = str(written) == str(message) if is_nan else exact(written) == exact(message)
        if not same:
            found.append(path.stem)
    return found


def test_every_message_survives_being_decoded_and_encoded(client: Language, encoded: Path) -> None:
    lost = LOST.get((client.folder, "json"), set())
    assert wrong(encoded, "binpb", lost) == []


def test_every_message_is_read_from_json(client: Language, encoded: Path) -> None:
    lost = LOST.get((client.folder, "json"), set())
    unread = LOST.get((client.folder, "from_json"), set())
    assert set(wrong(encoded, "from_json.binpb", lost)) == unread


def test_every_message_is_written_as_the_same_json(client: Language, encoded: Path) -> None:
    lost = LOST.get((client.folder, "json"), set())
    different = [
        path.stem
        for path in FILES
        if path.stem not in lost
        and not same_json(
            parsed(path.stem, path.read_bytes()), (encoded / f"{path.stem}.json").read_text()
        )
    ]
    assert different == []

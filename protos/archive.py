"""Packs the contract for those who want nothing else: protos, README, licence.

    python protos/archive.py FOLDER   writes longwire-protos-VERSION.tar.gz there

The same sources give the same bytes.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import re
import sys
import tarfile
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
PROTOS: Final = ROOT / "protos"
# Archives begin in 1980 for some programs.
_TIME: Final = 315_532_800
_LINK_ELSEWHERE: Final = re.compile(rb"\[([^\]]+)\]\(\.\./[^)]*\)")


def members(folder: str) -> Iterator[tuple[str, Path]]:
    """The files of the archive with their names in it.

    Args:
        folder: the one that all of them are in.
    """
    yield f"{folder}/LICENSE", ROOT / "LICENSE"
    for name in ("README.md", "buf.yaml"):
        yield f"{folder}/{name}", PROTOS / name
    for path in sorted(PROTOS.glob("longwire/v1/*")):
        if path.suffix in (".proto", ".json"):
            yield f"{folder}/{path.relative_to(PROTOS)}", path


def version() -> str:
    """The version of the distributions, which is the contract's too."""
    project = tomllib.loads((ROOT / "client/pyproject.toml").read_text())["project"]
    return str(project["version"])


def pack(folder: str) -> bytes:
    """The archive."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile(filename="", fileobj=packed, mode="wb", mtime=0) as compressed,
        tarfile.open(fileobj=compressed, mode="w", format=tarfile.PAX_FORMAT) as archive,
    ):
        for name, path in members(folder):
            content = path.read_bytes()
            if path.name == "README.md":
                # What it leads to does not travel along.
                content = _LINK_ELSEWHERE.sub(rb"\1", content)
            member = tarfile.TarInfo(name)
            member.size, member.mtime, member.mode = len(content), _TIME, 0o644
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


def main() -> int:
    """Writes the archive, and prints its path and digest."""
    if len(sys.argv) != 2:
        print("error: give the folder in which the archive is to be", file=sys.stderr)
        return 2
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    folder = f"longwire-protos-{version()}"
    packed = pack(folder)
    path = target / f"{folder}.tar.gz"
    path.write_bytes(packed)
    print(f"{path}  SHA-256 {hashlib.sha256(packed).hexdigest()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

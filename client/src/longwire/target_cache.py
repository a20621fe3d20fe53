"""Targets on disk, by their digest: what was fetched once is not fetched again.

The folder is ``LONGWIRE_CACHE_DIR``, or else ``longwire`` in ``XDG_CACHE_HOME`` or
``~/.cache``. Nothing in it is needed: a folder that cannot be written, and a file
that cannot be read, cost a fetch and no more.
"""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from longwire.v1.target_pb2 import EncodedTarget

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from qiskit.transpiler import Target

CACHE_VARIABLE = "LONGWIRE_CACHE_DIR"

_MOST_FILES = 256
_MOST_BYTES = 256 * 1024 * 1024
_DIGEST_BYTES = 32
_UNFINISHED = ".unfinished"
_OUR_NAME = re.compile(rf"[0-9a-f]{{64}}(\w*\{_UNFINISHED})?")


def cache_folder() -> Path | None:
    """The folder for everything that Longwire keeps to save work; None where there is no home.

    A user of a container often has none.
    """
    given = os.environ.get(CACHE_VARIABLE)
    base = os.environ.get("XDG_CACHE_HOME", "")
    try:
        if given:
            return Path(given).expanduser()
        # The XDG specification has relative paths ignored.
        above = Path(base) if Path(base).is_absolute() else Path("~/.cache").expanduser()
    except RuntimeError:
        return None
    return above / "longwire"


class TargetCache:
    """Encoded Targets, one file each, shared by all processes of a user.

    Files are written whole or not at all, readable by their owner alone, and the
    least recently used go when there are too many. Whether a file's content has
    the digest of its name is for the reader to check, who decodes it:
    :func:`longwire.codecs.target.decode_target` does.

    Args:
        folder: where they are; None takes ``targets`` in :func:`cache_folder`.
        most_files: how many are kept.
        most_bytes: how many bytes they may have together.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        most_files: int = _MOST_FILES,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        kept = cache_folder()
        self._folder = kept / "targets" if folder is None and kept is not None else folder
        self._most_files = most_files
        self._most_bytes = most_bytes

    def read(self, sha256: bytes) -> EncodedTarget | None:
        """The Target with this digest; None where it is not kept, or its file is damaged."""
        path = self._path(sha256)
        if path is None:
            return None
        from google.protobuf.message import DecodeError

        try:
            target = EncodedTarget.FromString(path.read_bytes())
        except (OSError, DecodeError):
            return None
        # The time of its last use, by which the oldest are found.
        with contextlib.suppress(OSError):
            os.utime(path)
        return target if target.sha256 == sha256 else None

    def write(self, target: EncodedTarget) -> None:
        """Keeps a Target, in place of what is there under its digest."""
        path = self._path(target.sha256)
        if path is None:
            return
        # A full or read-only disk costs the cache, not the work.
        with contextlib.suppress(OSError):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._replace(path, target.SerializeToString())
            self._thin_out(path)

    def _path(self, sha256: bytes) -> Path | None:
        if self._folder is None or len(sha256) != _DIGEST_BYTES:
            return None
        return self._folder / sha256.hex()

    def _replace(self, path: Path, content: bytes) -> None:
        """Writes a file that no reader sees half of; mkstemp makes it private."""
        descriptor, name = tempfile.mkstemp(prefix=path.name, suffix=_UNFINISHED, dir=path.parent)
        unfinished = Path(name)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
            unfinished.replace(path)
        except BaseException:
            unfinished.unlink(missing_ok=True)
            raise

    def _thin_out(self, newest: Path) -> None:
        """Deletes the least recently used files above the bounds, never the newest."""
        kept_bytes = 0
        for rank, (path, size_bytes) in enumerate(_newest_first(newest.parent)):
            kept_bytes += size_bytes
            if path != newest and (rank >= self._most_files or kept_bytes > self._most_bytes):
                path.unlink(missing_ok=True)


def cached_target(
    sha256: bytes, fetch: Callable[[], EncodedTarget], cache: TargetCache | None = None
) -> tuple[bytes, Target]:
    """A Target of the caller's own: from the cache, or else fetched and kept there.

    Two callers never get one object: Qiskit's Target can be changed.

    Args:
        sha256: the digest of the wanted one; empty where it is not known.
        fetch: asks the server for it.
        cache: where to look and keep; None takes the user's.

    Returns:
        The digest of what was found, which is another than `sha256` where the
        backend has changed meanwhile; and the Target.

    Raises:
        CodecError: what the server sent cannot be read.
        LongwireError: what `fetch` raises.
    """
    from longwire.codecs.target import decode_target
    from longwire.errors import CodecError
    from longwire.shared_target import SharedTarget

    cache = cache or TargetCache()
    kept = cache.read(sha256)
    if kept is not None:
        # A damaged file: what is fetched takes its place.
        with contextlib.suppress(CodecError):
            return sha256, decode_target(kept, SharedTarget)
    fetched = fetch()
    target = decode_target(fetched, SharedTarget)
    cache.write(fetched)
    return fetched.sha256, target


def _is_ours(path: Path) -> bool:
    return _OUR_NAME.fullmatch(path.name) is not None


def _newest_first(folder: Path) -> Iterator[tuple[Path, int]]:
    """The files of a folder that are ours, with their sizes in bytes."""
    found = []
    for path in filter(_is_ours, folder.iterdir()):
        # Another process may delete it meanwhile.
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            found.append((status.st_mtime_ns, path, status.st_size))
    for _, path, size_bytes in sorted(found, reverse=True):
        yield path, size_bytes

"""Targets on disk: kept whole, for their owner, within bounds, and never trusted."""

from __future__ import annotations

import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from longwire.target_cache import TargetCache, cache_folder
from longwire.v1.target_pb2 import EncodedTarget


def target_of(number: int, size_bytes: int = 10) -> EncodedTarget:
    """Stands for an encoded Target: the cache looks at nothing but its digest."""
    return EncodedTarget(data=bytes(size_bytes), sha256=hashlib.sha256(bytes([number])).digest())


def file_of(folder: Path, target: EncodedTarget) -> Path:
    """Where it is kept."""
    return folder / target.sha256.hex()


def names_in(folder: Path) -> list[str]:
    """What is there, in alphabetical order."""
    return sorted(path.name for path in folder.iterdir())


def set_age(folder: Path, target: EncodedTarget, age_seconds: int) -> None:
    """Has a file look as if it was used so long before."""
    path = file_of(folder, target)
    moment = path.stat().st_mtime - age_seconds
    os.utime(path, (moment, moment))


def test_kept_target_is_read_by_its_digest(tmp_path: Path) -> None:
    target = target_of(1)
    TargetCache(tmp_path).write(target)
    assert TargetCache(tmp_path).read(target.sha256) == target
    assert TargetCache(tmp_path).read(target_of(2).sha256) is None
    assert TargetCache(tmp_path).read(b"") is None


def test_folder_and_files_are_their_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "targets"
    TargetCache(folder).write(target_of(1))
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert stat.S_IMODE(file_of(folder, target_of(1)).stat().st_mode) == 0o600
    assert names_in(folder) == [target_of(1).sha256.hex()]


@pytest.mark.parametrize("content", [b"", b"\xff\xff\xff", target_of(2).SerializeToString()])
def test_damaged_file_is_not_read_and_is_replaced(tmp_path: Path, content: bytes) -> None:
    target = target_of(1)
    file_of(tmp_path, target).write_bytes(content)
    cache = TargetCache(tmp_path)
    assert cache.read(target.sha256) is None
    cache.write(target)
    assert cache.read(target.sha256) == target


def test_folder_that_cannot_be_written_costs_the_cache_alone(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    cache = TargetCache(occupied / "targets")
    cache.write(target_of(1))
    assert cache.read(target_of(1).sha256) is None


def test_least_recently_used_files_go_when_there_are_too_many(tmp_path: Path) -> None:
    cache = TargetCache(tmp_path, most_files=2)
    for number in (1, 2):
        cache.write(target_of(number))
        set_age(tmp_path, target_of(number), 100 - number)
    # Read, and so the latest.
    assert cache.read(target_of(1).sha256) is not None
    cache.write(target_of(3))
    assert [cache.read(target_of(number).sha256) is not None for number in (1, 2, 3)] == [
        True,
        False,
        True,
    ]


def test_least_recently_used_files_go_when_they_are_too_large(tmp_path: Path) -> None:
    cache = TargetCache(tmp_path, most_bytes=2500)
    for number in (1, 2):
        cache.write(target_of(number, size_bytes=1000))
        set_age(tmp_path, target_of(number), 100 - number)
    cache.write(target_of(3, size_bytes=1000))
    assert cache.read(target_of(1).sha256) is None
    assert cache.read(target_of(2).sha256) is not None
    # One that is too large by itself is the only one that stays.
    cache.write(target_of(4, size_bytes=3000))
    assert names_in(tmp_path) == [target_of(4).sha256.hex()]


def test_files_of_others_in_the_folder_stay(tmp_path: Path) -> None:
    theirs = tmp_path / "notes.txt"
    theirs.write_bytes(bytes(5000))
    (tmp_path / "folder").mkdir()
    TargetCache(tmp_path, most_files=1, most_bytes=100).write(target_of(1))
    TargetCache(tmp_path, most_files=1, most_bytes=100).write(target_of(2))
    assert names_in(tmp_path) == sorted(["folder", "notes.txt", target_of(2).sha256.hex()])


WRITER = """
import sys
from pathlib import Path
from longwire.target_cache import TargetCache
from longwire.v1.target_pb2 import EncodedTarget

cache = TargetCache(Path(sys.argv[1]), most_files=2)
for round in range(100):
    for number in range(3):
        target = EncodedTarget(data=bytes([number]) * 100_000, sha256=bytes([number]) * 32)
        found = cache.read(target.sha256)
        assert found in (None, target)
        cache.write(target)
"""


def test_processes_that_write_and_thin_out_at_once_read_whole_files(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    writers = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(3)]
    for writer in writers:
        _, errors = writer.communicate(timeout=120)
        assert writer.returncode == 0, errors.decode()
    assert all(len(name) == 64 for name in names_in(tmp_path))


def test_folder_is_the_users_own_unless_a_variable_names_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("LONGWIRE_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache_folder() == tmp_path / ".cache" / "longwire"
    monkeypatch.setenv("XDG_CACHE_HOME", "relative, so not valid")
    assert cache_folder() == tmp_path / ".cache" / "longwire"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache_folder() == tmp_path / "xdg" / "longwire"
    monkeypatch.setenv("LONGWIRE_CACHE_DIR", str(tmp_path / "own"))
    assert cache_folder() == tmp_path / "own"
    monkeypatch.setenv("LONGWIRE_CACHE_DIR", "~/shared")
    assert cache_folder() == tmp_path / "shared"


def test_user_without_a_home_has_no_cache_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LONGWIRE_CACHE_DIR", "~nobody-of-this-name/cache")
    assert cache_folder() is None
    TargetCache().write(target_of(1))
    assert TargetCache().read(target_of(1).sha256) is None

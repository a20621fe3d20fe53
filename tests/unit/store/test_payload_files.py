"""Payloads in files: written whole, checked when read, removed when nothing refers to them."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import hashlib
import os
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import fsspec
import pytest
from stored_jobs import joined

from longwire_server.store.job_store import PayloadDamagedError, StoreError
from longwire_server.store.payload import PayloadFile
from longwire_server.store.payload_files import PayloadFiles

STORE_ID = "5" * 32
PAYLOAD = bytes(range(256)) * 40
HOUR_SECONDS = 3600.0

Body = Callable[[PayloadFiles], Awaitable[None]]


@pytest.fixture(params=["directory", "file-url", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A directory of this machine, named in two ways, and one of another file system."""
    if request.param == "memory":
        yield f"memory://{tmp_path.name}"
        fsspec.filesystem("memory").rm("/", recursive=True)
    else:
        yield str(tmp_path) if request.param == "directory" else f"file://{tmp_path}"


def with_files(url: str, body: Body, *, waits_for_disk: bool = False) -> None:
    async def run() -> None:
        files = PayloadFiles(url, above_bytes=100, waits_for_disk=waits_for_disk)
        await files.open(STORE_ID)
        try:
            await body(files)
        finally:
            files.close()

    asyncio.run(run())


def names(url: str) -> set[str]:
    """What is in the directory of the store."""
    files, directory = fsspec.core.url_to_fs(url)
    return {path.rpartition("/")[2] for path in files.ls(f"{directory}/{STORE_ID}", detail=False)}


def put(url: str, name: str, payload: bytes = b"x") -> None:
    files, directory = fsspec.core.url_to_fs(url)
    files.pipe_file(f"{directory}/{STORE_ID}/{name}", payload)


async def nothing_referred(_keys: list[str]) -> set[str]:
    return set()


@pytest.mark.parametrize("waits_for_disk", [False, True], ids=["process", "power"])
def test_payload_that_was_written_is_read_back_and_nothing_else_is_left(
    url: str, waits_for_disk: bool
) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        assert file.size_bytes == len(PAYLOAD)
        assert await files.read(file) == PAYLOAD
        assert names(url) == {file.key}
        await files.remove([file.key])
        assert names(url) == set()
        # As after a crash between the removal and what follows it.
        await files.remove([file.key])

    with_files(url, body, waits_for_disk=waits_for_disk)


@pytest.mark.parametrize(
    ("contents", "words"),
    [
        (PAYLOAD[:-1], "has 10239 bytes instead of 10240"),
        (b"", "has 0 bytes instead of 10240"),
        (PAYLOAD + b"x", "has 10241 bytes instead of 10240"),
        (b"x" + PAYLOAD[1:], "has not the contents that were written"),
        (None, "is missing"),
    ],
    ids=["truncated", "empty", "longer", "changed", "missing"],
)
def test_payload_that_is_not_as_it_was_written_is_refused_with_what_is_wrong(
    url: str, contents: bytes | None, words: str
) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        if contents is None:
            await files.remove([file.key])
        else:
            put(url, file.key, contents)
        with pytest.raises(PayloadDamagedError) as caught:
            await files.read(file)
        assert str(caught.value) == f"the stored payload is damaged: its file {file.key} {words}"

    with_files(url, body)


def test_payload_of_a_directory_that_is_away_is_not_taken_for_damaged(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        (tmp_path / STORE_ID).rename(tmp_path / "away")
        for use in (files.read(file), files.write(PAYLOAD)):
            with pytest.raises(StoreError, match="FileNotFoundError") as caught:
                await use
            assert not isinstance(caught.value, PayloadDamagedError)
        (tmp_path / "away").rename(tmp_path / STORE_ID)
        assert await files.read(file) == PAYLOAD

    with_files(str(tmp_path), body)


def test_sweep_removes_what_nothing_refers_to_and_nothing_else(url: str) -> None:
    async def body(files: PayloadFiles) -> None:
        kept, unneeded, unsettled = [await files.write(PAYLOAD) for _ in range(3)]
        for file in (kept, unneeded):
            files.settle(file.key)
        half_written = f"{'a' * 32}.part"
        for name in (half_written, "README", "b" * 31, f"{'c' * 32}.txt"):
            put(url, name)

        async def referred(keys: list[str]) -> set[str]:
            return {kept.key} & set(keys)

        assert await files.sweep(referred, older_than_seconds=0.0) == 2
        assert names(url) == {kept.key, unsettled.key, "README", "b" * 31, f"{'c' * 32}.txt"}
        assert await files.sweep(referred, older_than_seconds=0.0) == 0

    with_files(url, body)


def test_sweep_leaves_young_files_which_may_be_another_servers(url: str) -> None:
    async def body(files: PayloadFiles) -> None:
        for name in ("a" * 32, f"{'b' * 32}.part"):
            put(url, name)
        assert await files.sweep(nothing_referred, older_than_seconds=HOUR_SECONDS) == 0
        assert len(names(url)) == 2

    with_files(url, body)


def test_sweep_removes_files_of_this_machine_that_are_old_enough(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        for name in ("a" * 32, "b" * 32):
            put(str(tmp_path), name)
        long_ago = time.time() - 2 * HOUR_SECONDS
        os.utime(tmp_path / STORE_ID / ("a" * 32), (long_ago, long_ago))
        assert await files.sweep(nothing_referred, older_than_seconds=HOUR_SECONDS) == 1
        assert names(str(tmp_path)) == {"b" * 32}

    with_files(str(tmp_path), body)


def test_sweep_asks_about_many_files_in_parts(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        for number in range(1200):
            put(str(tmp_path), f"{number:032x}")
        asked: list[int] = []

        async def even(keys: list[str]) -> set[str]:
            asked.append(len(keys))
            return {key for key in keys if int(key, 16) % 2 == 0}

        assert await files.sweep(even, older_than_seconds=0.0) == 600
        assert sum(asked) == 1200
        assert max(asked) <= 500

    with_files(str(tmp_path), body)


def test_files_of_two_stores_at_one_url_are_apart(url: str) -> None:
    async def run() -> None:
        mine, theirs = (PayloadFiles(url, above_bytes=0) for _ in range(2))
        await mine.open("a" * 32)
        await theirs.open("b" * 32)
        file = await theirs.write(PAYLOAD)
        theirs.settle(file.key)
        assert await mine.sweep(nothing_referred, older_than_seconds=0.0) == 0
        assert await theirs.read(file) == PAYLOAD
        mine.close()
        theirs.close()

    asyncio.run(run())


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("/proc/no/such/directory", "cannot use /proc/no/such/directory: "),
        ("nosuch://user:secret@host/x", "cannot use nosuch://***@host/x: "),
        # A file system of fsspec's that only reads.
        ("data://x", "cannot use data://x: "),
    ],
    ids=["unwritable", "unknown", "read-only"],
)
def test_place_that_cannot_keep_payloads_is_refused_when_it_is_opened(url: str, words: str) -> None:
    async def run() -> None:
        with pytest.raises(StoreError) as caught:
            await PayloadFiles(url, above_bytes=0).open(STORE_ID)
        assert str(caught.value).startswith(words)
        assert "secret" not in str(caught.value)

    asyncio.run(run())


def test_write_that_fails_leaves_no_part(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        # A directory cannot be replaced by a file: the last step fails.
        key = "d" * 32
        (tmp_path / STORE_ID / key).mkdir()
        with pytest.raises(OSError, match="directory"):
            files._write_local(key, PAYLOAD)
        assert names(str(tmp_path)) == {key}

    with_files(str(tmp_path), body)


async def read_in_pieces(files: PayloadFiles, file: PayloadFile, piece_bytes: int) -> bytes:
    async with files.reader(file) as reader:
        return await joined(reader, piece_bytes)


@pytest.mark.parametrize("piece_bytes", [1000, 4096, len(PAYLOAD), 2 * len(PAYLOAD)])
def test_payload_is_read_in_pieces_of_any_size(url: str, piece_bytes: int) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        assert await read_in_pieces(files, file, piece_bytes) == PAYLOAD

    with_files(url, body)


def test_peek_at_a_payload_does_not_change_what_is_read_next(url: str) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        async with files.reader(file) as reader:
            assert reader.size_bytes == len(PAYLOAD)
            assert await reader.peek(len(PAYLOAD) - 7, 7) == PAYLOAD[-7:]
            assert await reader.peek(0, 5) == PAYLOAD[:5]
            assert await joined(reader, 3000) == PAYLOAD

    with_files(url, body)


@pytest.mark.parametrize("place", [0, len(PAYLOAD) // 2, len(PAYLOAD) - 1])
def test_changed_payload_is_told_with_its_last_piece_at_the_latest(url: str, place: int) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        changed = bytearray(PAYLOAD)
        changed[place] ^= 1
        put(url, file.key, bytes(changed))
        async with files.reader(file) as reader:
            most = memoryview(bytearray(len(PAYLOAD) - 1))
            await reader.read_into(most)
            with pytest.raises(PayloadDamagedError, match="has not the contents"):
                await reader.read_into(memoryview(bytearray(1)))

    with_files(url, body)


@pytest.mark.parametrize(
    ("contents", "words"),
    [(PAYLOAD[:-1], "has 10239 bytes instead of 10240"), (None, "is missing")],
    ids=["truncated", "missing"],
)
def test_payload_that_cannot_be_whole_is_refused_before_it_is_read(
    url: str, contents: bytes | None, words: str
) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        if contents is None:
            await files.remove([file.key])
        else:
            put(url, file.key, contents)
        with pytest.raises(PayloadDamagedError, match=words):
            await read_in_pieces(files, file, 1000)

    with_files(url, body)


def test_payload_that_is_cut_while_it_is_read_is_told_as_damaged(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        async with files.reader(file) as reader:
            await reader.read_into(memoryview(bytearray(1000)))
            os.truncate(tmp_path / STORE_ID / file.key, 1500)
            with pytest.raises(PayloadDamagedError, match="ends after 1500 bytes"):
                await reader.read_into(memoryview(bytearray(1000)))

    with_files(str(tmp_path), body)


def test_payload_that_is_removed_while_it_is_read_is_read_to_its_end(url: str) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        async with files.reader(file) as reader:
            beginning = bytearray(1000)
            await reader.read_into(memoryview(beginning))
            await files.remove([file.key])
            assert names(url) == set()
            assert beginning + await joined(reader, 1000, left=len(PAYLOAD) - 1000) == PAYLOAD

    with_files(url, body)


def test_payload_that_the_machine_has_not_in_memory_is_read_from_the_disk(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        descriptor = os.open(tmp_path / STORE_ID / file.key, os.O_RDONLY)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)
        assert await read_in_pieces(files, file, 4096) == PAYLOAD

    with_files(str(tmp_path), body, waits_for_disk=True)


def open_below(directory: Path) -> list[Path]:
    """The files below a directory that this process has open."""
    found = []
    for link in Path("/proc/self/fd").iterdir():
        # The directory of links is among them, and closed by now.
        with contextlib.suppress(FileNotFoundError):
            found.append(link.readlink())
    return [path for path in found if directory in path.parents]


def test_file_is_open_no_longer_than_it_is_read(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        for piece_bytes in (1000, len(PAYLOAD)):
            async with files.reader(file) as reader:
                await reader.read_into(memoryview(bytearray(piece_bytes)))
                assert open_below(tmp_path) == [tmp_path / STORE_ID / file.key]
            assert open_below(tmp_path) == []

    with_files(str(tmp_path), body)


def test_reading_that_is_given_up_leaves_no_file_open(tmp_path: Path) -> None:
    async def body(files: PayloadFiles) -> None:
        file = await files.write(PAYLOAD)
        # An earlier version's: read in threads.
        file = dataclasses.replace(file, check=hashlib.sha256(PAYLOAD).digest())
        reading = [asyncio.create_task(read_in_pieces(files, file, 100)) for _ in range(20)]
        for turns, task in enumerate(reading):
            # Each in another state: opening, waiting for a thread, done.
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
        await asyncio.gather(*reading, return_exceptions=True)

    with_files(str(tmp_path), body)
    # The threads have ended.
    assert open_below(tmp_path) == []


def test_file_of_an_earlier_version_is_checked_by_its_sha256(url: str) -> None:
    # Of "abc", from FIPS 180-2.
    digest = bytes.fromhex("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")

    async def body(files: PayloadFiles) -> None:
        file = PayloadFile("a" * 32, 3, digest)
        put(url, file.key, b"abc")
        assert await files.read(file) == b"abc"
        assert await read_in_pieces(files, file, 2) == b"abc"
        put(url, file.key, b"abd")
        for read in (files.read(file), read_in_pieces(files, file, 2)):
            with pytest.raises(PayloadDamagedError, match="has not the contents"):
                await read

    with_files(url, body)

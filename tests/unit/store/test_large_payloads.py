"""Large payloads of the SQL store: in files, which come and go with the rows."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from stored_jobs import BELL, DONE, GHZ, QUEUED, make_job, naming

from longwire_server.store.job import FINAL_STATES
from longwire_server.store.job_store import PayloadDamagedError, StoreError
from longwire_server.store.payload_files import PayloadFiles
from longwire_server.store.sql_job_store import SqlJobStore

ABOVE_BYTES = 1000
SMALL, LARGE = b"s" * ABOVE_BYTES, b"L" * (ABOVE_BYTES + 1)

Body = Callable[[SqlJobStore], Awaitable[None]]


def with_files(tmp_path: Path, body: Body, *, url: str | None = None) -> None:
    async def run() -> None:
        files = PayloadFiles(url or f"{tmp_path}/payloads", above_bytes=ABOVE_BYTES)
        store = SqlJobStore(f"sqlite:///{tmp_path}/jobs.db", files=files)
        await store.open()
        try:
            await body(store)
        finally:
            await store.close()

    asyncio.run(run())


def stored(tmp_path: Path) -> list[Path]:
    return sorted((tmp_path / "payloads").glob("*/*"))


def row_bytes(tmp_path: Path, table: str) -> list[int]:
    with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
        query = f"SELECT length(payload) FROM {table}"
        return sorted(size for (size,) in connection.execute(query))


def test_payloads_above_the_limit_are_in_files_and_others_in_rows(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        for number, payload in enumerate((SMALL, LARGE)):
            job = naming(number, (BELL, GHZ)[number])
            await store.add(job, payload, payload)
            await store.update(job.evolve(state=DONE), expected=frozenset({QUEUED}), result=payload)
            assert await store.spec(job.job_id) == payload
            assert await store.program((BELL, GHZ)[number]) == payload
            assert await store.result(job.job_id) == payload
        assert [path.stat().st_size for path in stored(tmp_path)] == [len(LARGE)] * 3
        for table in ("specs", "programs", "results"):
            assert row_bytes(tmp_path, table) == [0, len(SMALL)]

    with_files(tmp_path, body)


def test_payloads_of_another_file_system_come_back_and_go(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        job = naming(1, BELL)
        await store.add(job, LARGE, LARGE)
        done = job.evolve(state=DONE, end_time_us=1)
        await store.update(done, expected=frozenset({QUEUED}), result=LARGE)
        assert await store.result(job.job_id) == await store.spec(job.job_id) == LARGE
        assert await store.program(BELL) == LARGE
        assert await store.delete("physics", job.job_id, expected=FINAL_STATES)
        assert await store.remove_programs(unused_since_us=0, keep_bytes=0) == [BELL]
        assert await store.result(job.job_id) is None

    with_files(tmp_path, body, url=f"memory://{tmp_path.name}")


@pytest.mark.parametrize("way", ["delete", "expire", "remove"])
def test_files_go_with_the_rows_that_refer_to_them(tmp_path: Path, way: str) -> None:
    async def body(store: SqlJobStore) -> None:
        job = make_job(1)
        await store.add(job, LARGE)
        done = job.evolve(state=DONE, end_time_us=1)
        await store.update(done, expected=frozenset({QUEUED}), result=LARGE)
        assert len(stored(tmp_path)) == 2
        if way == "delete":
            await store.delete("physics", job.job_id, expected=FINAL_STATES)
        elif way == "expire":
            await store.expire_results(ended_by_us=1, keep_bytes=0)
        else:
            await store.remove_jobs(ended_by_us=1, keep_jobs=0)
        assert stored(tmp_path) == []

    with_files(tmp_path, body)


def test_write_that_is_refused_leaves_no_file(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        await store.add(make_job(1, request_id="r"), b"")
        assert not (await store.add(naming(2, BELL, request_id="r"), LARGE, LARGE)).created
        late = make_job(1, request_id="r", state=DONE)
        assert not await store.update(late, expected=FINAL_STATES, result=LARGE)
        with pytest.raises(StoreError):
            await store.add(make_job(1, spec_digest=b"\x02" * 32), LARGE)
        assert stored(tmp_path) == []

    with_files(tmp_path, body)


def test_write_that_is_repeated_keeps_one_file(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        done = make_job(1, state=DONE)
        for _ in range(2):
            assert (await store.add(make_job(1), LARGE)).created
        for _ in range(2):
            assert await store.update(done, expected=frozenset({QUEUED}), result=LARGE)
        assert len(stored(tmp_path)) == 2
        assert await store.result(done.job_id) == await store.spec(done.job_id) == LARGE

    with_files(tmp_path, body)


def test_large_program_is_written_once_for_all_its_jobs(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        await asyncio.gather(*(store.add(naming(each, BELL), b"", LARGE) for each in range(20)))
        first = stored(tmp_path)
        assert len(first) == 1
        for number in range(20, 25):
            await store.add(naming(number, BELL), b"", LARGE)
        assert stored(tmp_path) == first

    with_files(tmp_path, body)


def test_large_program_that_was_removed_is_written_again_with_its_next_job(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        for number in range(2):
            job = naming(number, BELL)
            await store.add(job, b"", LARGE)
            assert await store.program(BELL) == LARGE
            await store.update(job.evolve(state=DONE), expected=frozenset({QUEUED}), result=None)
            assert await store.remove_programs(unused_since_us=0, keep_bytes=0) == [BELL]
            assert stored(tmp_path) == []

    with_files(tmp_path, body)


def test_damaged_program_is_whole_again_when_a_job_brings_it_once_more(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        await store.add(naming(1, BELL), b"", LARGE)
        (damaged,) = stored(tmp_path)
        damaged.write_bytes(LARGE[:-1])
        with pytest.raises(PayloadDamagedError):
            await store.program(BELL)
        await store.add(naming(2, BELL), b"", LARGE)
        assert await store.program(BELL) == LARGE
        assert len(stored(tmp_path)) == 1
        assert not damaged.exists()

    with_files(tmp_path, body)


def test_damaged_payload_of_a_row_that_was_removed_meanwhile_is_none(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        done = make_job(1, state=DONE)
        await store.add(done, LARGE)
        (path,) = stored(tmp_path)
        path.unlink()
        # Deleted by somebody between the reading of the row and that of the file, or here
        # before both.
        with pytest.raises(PayloadDamagedError, match="is missing"):
            await store.spec(done.job_id)
        await store.delete("physics", done.job_id, expected=FINAL_STATES)
        assert await store.spec(done.job_id) is None

    with_files(tmp_path, body)


def test_files_that_a_dead_server_left_are_removed_at_the_next_start(tmp_path: Path) -> None:
    async def fill(store: SqlJobStore) -> None:
        await store.add(make_job(1), LARGE)

    def wait_until_gone() -> None:
        give_up_at = time.monotonic() + 60
        while any(path.exists() for path in left):
            assert time.monotonic() < give_up_at
            time.sleep(0.01)

    async def wait_until_swept(_store: SqlJobStore) -> None:
        await asyncio.to_thread(wait_until_gone)

    with_files(tmp_path, fill)
    (kept,) = stored(tmp_path)
    # One whole that nothing came to refer to, and one that was being written.
    left = [kept.with_name("a" * 32), kept.with_name(f"{'b' * 32}.part")]
    for path in left:
        path.write_bytes(LARGE)
    with_files(tmp_path, wait_until_swept)
    assert stored(tmp_path) == [kept]


def test_commit_that_fails_leaves_no_file(tmp_path: Path) -> None:
    async def body(store: SqlJobStore) -> None:
        with contextlib.closing(sqlite3.connect(tmp_path / "jobs.db")) as connection:
            connection.execute("ALTER TABLE jobs RENAME TO away")
        for _ in range(3):
            with pytest.raises(StoreError):
                await store.add(make_job(1), LARGE)
        assert stored(tmp_path) == []

    with_files(tmp_path, body)

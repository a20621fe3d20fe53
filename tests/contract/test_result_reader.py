"""Results that are read piece by piece, from every store."""

from __future__ import annotations

import asyncio

from stored_jobs import DONE, QUEUED, Suite, joined, make_job

from longwire_server.store.job_store import JobStore

RESULT = bytes(range(256)) * 1000
PIECE_BYTES = 100_000


async def finish(store: JobStore, number: int, result: bytes) -> str:
    job = make_job(number)
    await store.add(job, b"spec")
    done = job.evolve(state=DONE, end_time_us=1, result_bytes=len(result))
    await store.update(done, expected=frozenset({QUEUED}), result=result)
    return job.job_id


def test_result_is_read_in_pieces(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        for number, result in enumerate((RESULT, b"r", b"")):
            job_id = await finish(store, number, result)
            async with store.result_reader(job_id) as reader:
                assert reader is not None
                assert reader.size_bytes == len(result)
                assert await reader.peek(0, min(3, len(result))) == result[:3]
                assert await joined(reader, PIECE_BYTES) == result

    with_store(body)


def test_results_are_read_at_the_same_time(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        results = [bytes([number]) * 300_000 for number in range(8)]
        ids = [await finish(store, *numbered) for numbered in enumerate(results)]

        async def read(job_id: str) -> bytes:
            async with store.result_reader(job_id) as reader:
                assert reader is not None
                return await joined(reader, PIECE_BYTES)

        assert await asyncio.gather(*map(read, ids)) == results

    with_store(body)


def test_job_without_a_result_has_no_reader(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        await store.add(make_job(1), b"spec")
        for job_id in (make_job(1).job_id, make_job(2).job_id):
            async with store.result_reader(job_id) as reader:
                assert reader is None

    with_store(body)


def test_result_that_expires_while_it_is_read_is_read_to_its_end(with_store: Suite) -> None:
    async def body(store: JobStore) -> None:
        job_id = await finish(store, 1, RESULT)
        async with store.result_reader(job_id) as reader:
            assert reader is not None
            beginning = bytearray(PIECE_BYTES)
            await reader.read_into(memoryview(beginning))
            assert await store.expire_results(ended_by_us=1, keep_bytes=0) == 1
            left = len(RESULT) - PIECE_BYTES
            assert beginning + await joined(reader, PIECE_BYTES, left=left) == RESULT
        async with store.result_reader(job_id) as reader:
            assert reader is None

    with_store(body)

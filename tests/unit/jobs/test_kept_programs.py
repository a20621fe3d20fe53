"""Programs that are sent once and then named by their digest."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from collections.abc import Awaitable, Callable

import pytest

from longwire.codecs.payloads_digest import payloads_digest
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.job_pb2 import JobState
from longwire.v1.program_pb2 import Program
from longwire_server.jobs import kept_programs
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.kept_programs import KeptPrograms
from longwire_server.jobs.program_payloads import Payloads, heads
from longwire_server.refusals import RequestRefusedError, argument_invalid
from longwire_server.store.job import Job
from longwire_server.store.memory_job_store import MemoryJobStore

LIMIT_SECONDS = 30
PLENTY_BYTES = 1 << 30


def sent(*payloads: bytes) -> Program:
    """A program with payloads and their digest."""
    return Program(payloads=payloads, payloads_sha256=payloads_digest(payloads))


def named(*payloads: bytes) -> Program:
    """A program that names payloads by their digest alone."""
    return Program(payloads_sha256=payloads_digest(payloads))


def run(body: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        async with asyncio.timeout(LIMIT_SECONDS):
            await body()

    asyncio.run(main())


def make_programs(store: MemoryJobStore | None = None) -> KeptPrograms:
    return KeptPrograms(store or MemoryJobStore(), kept_hours=24, kept_bytes=PLENTY_BYTES)


async def take(programs: KeptPrograms, tenant: str, program: Program) -> Payloads:
    """Takes a program that its job may have."""
    return await programs.take(tenant, program, lambda _: None)


async def refusal(programs: KeptPrograms, tenant: str, program: Program) -> RequestRefusedError:
    with pytest.raises(RequestRefusedError) as caught:
        await take(programs, tenant, program)
    assert caught.value.field == "spec.program.payloads_sha256"
    assert caught.value.message.startswith("spec.program.payloads_sha256: ")
    return caught.value


async def add_job(store: MemoryJobStore, number: int, program: Program, payload: bytes) -> Job:
    """Records a job that names a program, as the job manager does."""
    job = Job(
        job_id=f"{number:032x}",
        tenant="physics",
        request_id="",
        spec_digest=b"",
        backend_name="aer_simulator",
        name="",
        tags=(),
        state=JobState.JOB_STATE_QUEUED,
        sequence=1,
        attempt=0,
        create_time_us=now_us(),
        payloads_sha256=program.payloads_sha256,
    )
    await store.add(job, b"", payload)
    return job


async def until(condition: Callable[[], bool]) -> None:
    while True:
        if condition():
            return
        await asyncio.sleep(0.001)


def test_digest_is_over_each_payload_behind_its_length() -> None:
    expected = hashlib.sha256(
        b"\x03\0\0\0\0\0\0\0abc" + b"\0\0\0\0\0\0\0\0" + b"\x01\0\0\0\0\0\0\0d"
    )
    assert payloads_digest([b"abc", b"", b"d"]) == expected.digest()


@pytest.mark.parametrize(
    "payloads", [[b"abc"], [b"", b"x"], [b"QISKIT\x0d" + b"y" * 300_000, b"z" * 127, b"w" * 128]]
)
def test_payloads_are_written_as_protobuf_writes_them(payloads: list[bytes]) -> None:
    taken = Payloads.of(payloads)
    assert taken.program == Program(payloads=payloads).SerializeToString()
    assert taken.size_bytes == sum(map(len, payloads))
    assert [payload[:7] for payload in payloads] == [head[:7] for head in taken.heads]
    assert Payloads.from_program(taken.program) == taken


@pytest.mark.parametrize("size_bytes", [3, 3 << 20])
def test_sent_payloads_are_taken_out_and_found_by_their_digest(size_bytes: int) -> None:
    async def body() -> None:
        programs = make_programs()
        program = sent(b"a" * size_bytes, b"second")
        first = await take(programs, "physics", program)
        assert program == named(b"a" * size_bytes, b"second")
        assert list(Program.FromString(first.program).payloads) == [b"a" * size_bytes, b"second"]
        assert await take(programs, "physics", program) == first

    run(body)


def test_digest_of_other_payloads_is_refused() -> None:
    async def body() -> None:
        program = Program(payloads=[b"abc"], payloads_sha256=payloads_digest([b"abd"]))
        error = await refusal(make_programs(), "physics", program)
        assert error.reason == ErrorReason.ERROR_REASON_PROGRAM_INVALID

    run(body)


@pytest.mark.parametrize("program", [sent(b"abc"), Program()])
def test_digest_of_another_length_is_refused(program: Program) -> None:
    async def body() -> None:
        program.payloads_sha256 = b"short"
        error = await refusal(make_programs(), "physics", program)
        assert error.reason == ErrorReason.ERROR_REASON_ARGUMENT_INVALID
        assert "5 bytes" in error.message

    run(body)


def test_digest_that_nobody_sent_is_refused_with_its_name() -> None:
    async def body() -> None:
        program = named(b"abc")
        error = await refusal(make_programs(), "physics", program)
        assert error.reason == ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND
        assert program.payloads_sha256.hex() in error.message

    run(body)


def test_program_of_another_tenant_is_not_found() -> None:
    async def body() -> None:
        programs = make_programs()
        await take(programs, "physics", sent(b"abc"))
        error = await refusal(programs, "chemistry", named(b"abc"))
        assert error.reason == ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND

    run(body)


def test_program_of_the_store_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def body() -> None:
        store = MemoryJobStore()
        payloads = await take(make_programs(store), "physics", sent(b"abc"))
        await add_job(store, 1, named(b"abc"), payloads.program)
        programs = make_programs(store)
        assert await take(programs, "physics", named(b"abc")) == payloads
        store._programs.clear()
        assert await take(programs, "physics", named(b"abc")) == payloads

    run(body)


def test_least_recently_used_programs_leave_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    each = Payloads.of([b"a" * 100]).held_bytes + kept_programs._ENTRY_BYTES
    monkeypatch.setattr(kept_programs, "_MEMORY_BYTES", 3 * each)

    async def body() -> None:
        programs = make_programs()
        for letter in (b"a", b"b", b"c", b"a"):
            await take(programs, "physics", sent(letter * 100))
        await take(programs, "physics", sent(b"d" * 100))
        for letter in (b"a", b"c", b"d"):
            await take(programs, "physics", named(letter * 100))
        await refusal(programs, "physics", named(b"b" * 100))
        # One that alone is too large pushes nothing out for long.
        await take(programs, "physics", sent(b"e" * 10_000))
        await refusal(programs, "physics", named(b"e" * 10_000))

    run(body)


def test_payloads_count_with_what_they_take_in_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    payloads = [bytes([number]) * 2 for number in range(200)]
    first_bytes = heads(payloads)
    held = sys.getsizeof(first_bytes) + sum(map(sys.getsizeof, first_bytes))
    assert Payloads.of(payloads).held_bytes >= held
    monkeypatch.setattr(kept_programs, "_MEMORY_BYTES", held)

    async def body() -> None:
        programs = make_programs()
        await take(programs, "physics", sent(*payloads))
        await refusal(programs, "physics", named(*payloads))

    run(body)


def test_payloads_that_are_refused_are_not_kept() -> None:
    def refuse(payloads: Payloads) -> None:
        raise argument_invalid("spec.program.payloads_sha256", f"{payloads.size_bytes} bytes")

    async def body() -> None:
        programs = make_programs()
        with pytest.raises(RequestRefusedError, match="3 bytes"):
            await programs.take("physics", sent(b"abc"), refuse)
        error = await refusal(programs, "physics", named(b"abc"))
        assert error.reason == ErrorReason.ERROR_REASON_PROGRAM_NOT_FOUND
        # What is found by its digest is checked, too.
        await take(programs, "physics", sent(b"abc"))
        with pytest.raises(RequestRefusedError, match="3 bytes"):
            await programs.take("physics", named(b"abc"), refuse)

    run(body)


def test_sweep_removes_what_no_job_needs_also_from_memory() -> None:
    async def body() -> None:
        store = MemoryJobStore()
        programs = KeptPrograms(store, kept_hours=0, kept_bytes=PLENTY_BYTES)
        for number, text in enumerate((b"needed", b"not")):
            payloads = await take(programs, "physics", sent(text))
            job = await add_job(store, number, named(text), payloads.program)
        done = job.evolve(state=JobState.JOB_STATE_DONE)
        await store.update(done, expected=frozenset({job.state}), result=None)
        programs.start()
        await until(lambda: len(store._programs) == 1)
        await refusal(programs, "physics", named(b"not"))
        await take(programs, "physics", named(b"needed"))
        await programs.stop()

    run(body)


def test_sweep_comes_sooner_when_much_was_added() -> None:
    async def body() -> None:
        store = MemoryJobStore()
        programs = KeptPrograms(store, kept_hours=24, kept_bytes=1000)
        programs.start()
        await asyncio.sleep(0)
        for number in range(20):
            text = f"{number}".encode() * 50
            payloads = await take(programs, "physics", sent(text))
            job = await add_job(store, number, named(text), payloads.program)
            done = job.evolve(state=JobState.JOB_STATE_DONE)
            await store.update(done, expected=frozenset({job.state}), result=None)
        await until(lambda: sum(map(len, store._programs.values())) <= 1000)
        assert store._programs
        await programs.stop()

    run(body)

"""Programs that a caller sends once and then names by their digest."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable

from longwire.codecs.payloads_digest import payloads_digest
from longwire.v1.error_pb2 import ErrorReason
from longwire.v1.program_pb2 import Program
from longwire_server.jobs.clock import now_us
from longwire_server.jobs.program_payloads import Payloads
from longwire_server.refusals import RequestRefusedError, argument_invalid, program_not_found
from longwire_server.store.job_store import JobStore, PayloadDamagedError, ProgramKey, StoreError

_logger = logging.getLogger(__name__)

# Programs in memory: those of a loop that submits the same circuits again and again.
_MEMORY_BYTES = 64 << 20
# What a program takes beside its payloads: its key, and its places in what holds it.
_ENTRY_BYTES = 1024
_SWEEP_EVERY_SECONDS = 60.0
# A sweep comes sooner when this part of what may be kept was added since the last.
_SWEEP_AFTER_PART = 8
# Larger payloads are hashed in a thread: they would hold up the event loop.
_HASHED_ON_LOOP_BYTES = 1 << 20
_US_PER_HOUR = 3_600_000_000
_DIGEST_BYTES = 32

_FIELD = "spec.program.payloads_sha256"


class KeptPrograms:
    """The programs that jobs name by their digest, each tenant's its own.

    A program is written with its first job, in one transaction. It stays as long as
    an unfinished job names it, and afterwards for some time, if there is room.

    Args:
        store: the durable record.
        kept_hours: how long a program is kept after its last use.
        kept_bytes: how much is kept; the least recently used goes first.
    """

    def __init__(self, store: JobStore, *, kept_hours: float, kept_bytes: int) -> None:
        self._store = store
        self._kept_us = round(kept_hours * _US_PER_HOUR)
        self._kept_bytes = kept_bytes
        self._in_memory: OrderedDict[ProgramKey, Payloads] = OrderedDict()
        self._memory_bytes = 0
        self._bytes_since_sweep = 0
        self._sweep_is_due = asyncio.Event()
        self._sweeper: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to remove programs that are needed no more, now and from time to time."""
        self._sweeper = asyncio.create_task(self._keep_sweeping())

    async def stop(self) -> None:
        """Ends that."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper

    async def take(
        self, tenant: str, program: Program, check: Callable[[Payloads], None]
    ) -> Payloads:
        """The payloads that a program holds or names; the message is left without any.

        Args:
            tenant: who sent it.
            program: a program with ``payloads_sha256``.
            check: refuses payloads that the job may not have. Those are not kept.

        Raises:
            RequestRefusedError: the digest is none, or not that of the payloads; or
                nothing is kept under it; or ``check`` refuses them.
            StoreError: the store could not be read.
        """
        key = ProgramKey(tenant, program.payloads_sha256)
        if len(key.payloads_sha256) != _DIGEST_BYTES:
            raise argument_invalid(
                _FIELD, f"it has {len(key.payloads_sha256)} bytes; a SHA-256 has {_DIGEST_BYTES}"
            )
        if not program.payloads:
            try:
                payloads = await self.find(key)
            except PayloadDamagedError as error:
                # Whoever sends it once more brings it back.
                _logger.warning("program %s is lost: %s", key.payloads_sha256.hex(), error)
                payloads = None
            if payloads is None:
                raise program_not_found(_FIELD, key.payloads_sha256)
            # What was kept may have been for another format, or under another limit.
            check(payloads)
            return payloads
        sent = list(program.payloads)
        program.ClearField("payloads")
        if await _digest(sent) != key.payloads_sha256:
            raise RequestRefusedError(
                ErrorReason.ERROR_REASON_PROGRAM_INVALID,
                f"{_FIELD}: it is not the digest of the payloads beside it; hash each one's "
                "length, as eight bytes, little-endian, and the payload itself",
                field=_FIELD,
            )
        payloads = Payloads.of(sent)
        check(payloads)
        self._remember(key, payloads)
        self._note_added(len(payloads.program))
        return payloads

    async def find(self, key: ProgramKey) -> Payloads | None:
        """The payloads that are kept under a digest.

        Raises:
            PayloadDamagedError: they are damaged.
            StoreError: the store could not be read.
        """
        payloads = self._in_memory.get(key)
        if payloads is not None:
            self._in_memory.move_to_end(key)
            return payloads
        program = await self._store.program(key)
        if program is None:
            return None
        payloads = Payloads.from_program(program)
        self._remember(key, payloads)
        return payloads

    def _remember(self, key: ProgramKey, payloads: Payloads) -> None:
        self._forget(key)
        self._in_memory[key] = payloads
        self._memory_bytes += payloads.held_bytes + _ENTRY_BYTES
        while self._memory_bytes > _MEMORY_BYTES:
            self._forget(next(iter(self._in_memory)))

    def _forget(self, key: ProgramKey) -> None:
        payloads = self._in_memory.pop(key, None)
        if payloads is not None:
            self._memory_bytes -= payloads.held_bytes + _ENTRY_BYTES

    def _note_added(self, size_bytes: int) -> None:
        self._bytes_since_sweep += size_bytes
        if self._bytes_since_sweep * _SWEEP_AFTER_PART >= self._kept_bytes:
            self._sweep_is_due.set()

    async def _keep_sweeping(self) -> None:
        while True:
            self._sweep_is_due.clear()
            self._bytes_since_sweep = 0
            try:
                await self._sweep()
            except StoreError as error:
                _logger.warning("programs cannot be removed: %s", error)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_SWEEP_EVERY_SECONDS):
                    await self._sweep_is_due.wait()

    async def _sweep(self) -> None:
        unused_since_us = now_us() - self._kept_us
        while removed := await self._store.remove_programs(
            unused_since_us=unused_since_us, keep_bytes=self._kept_bytes
        ):
            for key in removed:
                self._forget(key)
            _logger.info("removed %d programs that nobody used", len(removed))


async def _digest(payloads: list[bytes]) -> bytes:
    if sum(map(len, payloads)) <= _HASHED_ON_LOOP_BYTES:
        return payloads_digest(payloads)
    return await asyncio.get_running_loop().run_in_executor(None, payloads_digest, payloads)

"""A client that gives up nothing while servers come and go, and writes down what it hears.

It stands on the client's own transport, which resumes where a connection broke. In a
module of its own, so that a process that is started by spawn can import it.
"""

from __future__ import annotations

import itertools
import random
import time
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import TypeVar
from weakref import WeakKeyDictionary

from circuits import asymmetric
from job_audit import Acknowledged, Deleted, Delivered, Record, Told
from qiskit import qasm3
from qiskit.providers.basic_provider import BasicSimulator
from service_calls import bell_spec

from longwire.codecs.result import decode_result
from longwire.errors import JobNotFoundError, ServerBusyError, ServerUnreachableError
from longwire.transport.connection import Connection
from longwire.transport.job_calls import JobCalls
from longwire.transport.job_stream import JobStream
from longwire.v1.job_event_pb2 import JobEvent
from longwire.v1.job_pb2 import JobSpec, JobState
from longwire.v1.job_service_pb2 import RunJobRequest
from longwire.v1.result_pb2 import EncodedResult
from longwire_server.jobs.lifecycle import CANCELLED, DONE, ERROR, QUEUED

T = TypeVar("T")

SHOTS = 200
# No server stays away that long.
PATIENCE_SECONDS = 120.0
_names = itertools.count()


@cache
def expected_counts(seed: int) -> tuple[tuple[str, int], ...]:
    """The counts of the circuit with a seed, computed here."""
    run = BasicSimulator().run(asymmetric(), shots=SHOTS, seed_simulator=seed)
    return _counts(run.result().get_counts())


def seeded_spec(seed: int, backend_name: str = "simulator", gate: Path | None = None) -> JobSpec:
    """A job whose counts depend on the seed alone."""
    spec = bell_spec(SHOTS, backend_name, gate)
    spec.program.payloads[0] = qasm3.dumps(asymmetric()).encode()
    spec.options.seed_simulator = seed
    return spec


class RidingClient:
    """One client with a connection of its own.

    Args:
        address: where the servers are, one after the other.
        records: what it hears is added here.
    """

    def __init__(self, address: str, records: list[Record]) -> None:
        self.name = f"client {next(_names)} {uuid.uuid4().hex[:4]}"
        self._connection = Connection(address, timeout_seconds=10)
        self._calls = JobCalls(self._connection)
        self._records = records
        self._watchers: WeakKeyDictionary[JobStream, str] = WeakKeyDictionary()

    def __enter__(self) -> RidingClient:
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def submit(
        self,
        seed: int,
        request_id: str = "",
        *,
        backend_name: str = "simulator",
        gate: Path | None = None,
        may_end_in: frozenset[JobState.ValueType] = frozenset({DONE}),
    ) -> tuple[str, JobStream]:
        """Submits a job until some server has taken it.

        Returns:
            Its id, and the stream of its events behind the accepted one.
        """
        request = RunJobRequest(
            spec=seeded_spec(seed, backend_name, gate), request_id=request_id or uuid.uuid4().hex
        )
        stream, event = _patiently(lambda: JobStream.run(self._calls, request))
        job_id = event.job_id
        self._records.append(
            Acknowledged(request.request_id, job_id, expected_counts(seed), may_end_in)
        )
        return job_id, stream

    def watch(self, job_id: str) -> JobStream:
        """The events of somebody's job, from the first one on."""
        return JobStream(self._calls, job_id)

    def follow(
        self, stream: JobStream, until: Callable[[JobEvent], bool] = lambda _event: False
    ) -> JobEvent:
        """Reads a job's events up to the last one, or to one that a test waits for."""
        watcher = self._watchers.setdefault(stream, f"{self.name} watch {next(_names)}")
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            event = stream.next_event(deadline)
            kind = event.WhichOneof("event")
            if kind == "status_changed":
                self._tell(watcher, event, event.status_changed.status)
            elif kind == "finished":
                job = event.finished.job
                self._tell(watcher, event, job.status.status)
                if event.finished.HasField("result"):
                    self._deliver(watcher, job.job_id, event.finished.result)
                return event
            if until(event):
                return event

    def fetch(self, job_id: str) -> None:
        """Gets the result of a job that is DONE."""
        result = self._calls.get_result(job_id, deadline=time.monotonic() + PATIENCE_SECONDS)
        self._deliver(f"{self.name} call {next(_names)}", job_id, result)

    def cancel(self, job_id: str) -> JobState.ValueType:
        """Cancels a job, until some server has answered; the state in which it ended."""
        return _patiently(lambda: self._calls.cancel_job(job_id)).status.status

    def delete(self, job_id: str) -> None:
        """Deletes a job in a final state, until some server says that it is gone."""
        tries = itertools.count()

        def delete() -> None:
            is_first = next(tries) == 0
            try:
                self._calls.delete_job(job_id)
            except JobNotFoundError:
                # Else the answer to an earlier try was lost.
                if is_first:
                    raise

        _patiently(delete)
        self._records.append(Deleted(job_id))

    def _tell(self, watcher: str, event: JobEvent, state: JobState.ValueType) -> None:
        self._records.append(Told(watcher, event.job_id, event.sequence, state))

    def _deliver(self, watcher: str, job_id: str, encoded: EncodedResult) -> None:
        counts = _counts(decode_result(encoded).get_counts())
        self._records.append(Delivered(watcher, job_id, counts))


class CountedRecords(list[Record]):
    """Records whose number others can see while they grow: in the size of a file.

    Args:
        path: the file, to which several clients add.
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path

    def append(self, record: Record) -> None:
        """Adds a record."""
        super().append(record)
        with self._path.open("ab") as file:
            file.write(b".")


def work_through_a_storm(address: str, seed: int, over: Path, heard: Path) -> list[Record]:
    """What one client does in a storm: submits, watches, cancels, fetches, deletes.

    Args:
        address: where the servers are.
        seed: of what it draws.
        over: when this file exists, it begins nothing more.
        heard: this file has as many bytes as all clients have records.
    """
    records = CountedRecords(heard)
    draw = random.Random(seed)
    with RidingClient(address, records) as client:
        while not over.exists():
            # Several at once, so that some wait in the queue.
            begun = [_begin_job(client, draw) for _ in range(draw.randint(1, 6))]
            for end in begun:
                end()
    return list(records)


def _begin_job(client: RidingClient, draw: random.Random) -> Callable[[], None]:
    """Submits a job of some kind; what is returned does the rest."""
    what = draw.choice(["run", "run", "twice", "watch", "cancel", "fetch", "delete", "device"])
    seed, request_id = draw.randrange(8), uuid.UUID(int=draw.getrandbits(128)).hex
    backend_name = "device" if what == "device" else "simulator"
    others = {"device": frozenset({ERROR}), "cancel": frozenset({CANCELLED})}.get(what, frozenset())
    for _ in range(2 if what == "twice" else 1):
        # The second time as if the answer had been lost.
        job_id, stream = client.submit(
            seed, request_id, backend_name=backend_name, may_end_in=others | {DONE}
        )
    waits = draw.random() < 0.5

    def end() -> None:
        if what == "cancel":
            if waits:
                client.follow(stream, until=has_begun)
            client.cancel(job_id)
            return
        client.follow(client.watch(job_id) if what == "watch" else stream)
        if what == "fetch":
            client.fetch(job_id)
        elif what == "delete":
            client.delete(job_id)

    return end


def has_begun(event: JobEvent) -> bool:
    """Whether a worker has the job, or had it."""
    changed = event.HasField("status_changed")
    return event.HasField("finished") or (changed and event.status_changed.status != QUEUED)


def _patiently(call: Callable[[], T]) -> T:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return call()
        except (ServerBusyError, ServerUnreachableError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


def _counts(counts: dict[str, int]) -> tuple[tuple[str, int], ...]:
    return tuple(sorted(counts.items()))

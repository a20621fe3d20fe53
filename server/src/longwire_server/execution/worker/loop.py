"""The worker's loop: read a frame, do it, answer."""

from __future__ import annotations

import logging
import sys
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from qiskit.circuit import QuantumCircuit

from longwire.v1.job_pb2 import JobProgress, JobSpec
from longwire.v1.program_pb2 import TranspileOptions
from longwire_server.backends.loading import HostedBackend, load_backend
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.frames_pb2 import (
    BackendLoaded,
    ExecuteJob,
    JobRunning,
    LoadBackend,
    PartWanted,
    RunPart,
    RunsExpected,
    ServerFrame,
    WorkerFrame,
    WorkerReady,
    WorkerSettings,
)
from longwire_server.execution.worker import attempt
from longwire_server.execution.worker.clean_slate import CleanSlate
from longwire_server.execution.worker.describing import describe
from longwire_server.execution.worker.error_texts import told
from longwire_server.execution.worker.framing import FrameSocket
from longwire_server.execution.worker.listener import AttemptListener
from longwire_server.execution.worker.programs import ProgramCache
from longwire_server.execution.worker.sandbox.limits import allow_processor_time
from longwire_server.execution.worker.transpiling import transpile
from longwire_server.failpoints import failpoint

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class _Loaded:
    """A backend that is loaded."""

    backend: HostedBackend
    target_sha256: bytes
    """Digest of the Target that was current when the driver was read."""


class WorkerLoop:
    """Serves one server until it closes the socket.

    Args:
        connection: the worker's end of the socket pair.
        settings: what the worker may load and use.
        not_enforced: what the kernel cannot enforce of the sandbox, in words.
    """

    def __init__(
        self,
        connection: FrameSocket,
        settings: WorkerSettings,
        not_enforced: Sequence[str] = (),
    ) -> None:
        self._connection = connection
        self._settings = settings
        self._not_enforced = not_enforced
        specs = [BackendSpec.from_json(text) for text in settings.backend_specs]
        self._specs = {spec.name: spec for spec in specs}
        self._loaded: OrderedDict[str, _Loaded] = OrderedDict()
        # Why a backend was not described, by its name, when that was last tried.
        self._complaints: dict[str, str] = {}
        self._programs = ProgramCache()
        self._slate = CleanSlate(
            settings.private_directory if settings.sandbox != "off" else "",
            ends_children=settings.subprocesses,
        )
        self._private = [settings.private_directory, *settings.hidden_paths]
        self._spoilt = False

    def run(self) -> None:
        """Answers frames until the server closes the socket."""
        self._connection.send(WorkerFrame(ready=WorkerReady(not_enforced=self._not_enforced)))
        while not self._spoilt and (frame := self._connection.receive()) is not None:
            answer = self._answer(frame)
            if frame.WhichOneof("frame") == "execute":
                failpoint("worker.answer.before")
            self._connection.send(answer)
            if frame.WhichOneof("frame") == "execute":
                failpoint("worker.answer.after")
                # Nobody waits for this but the next job.
                self._slate.restore()

    def _answer(self, frame: ServerFrame) -> WorkerFrame:
        # The outermost handler of the process. BaseException: Qiskit's native
        # code panics with one, and an attempt must never end without an answer.
        try:
            if frame.WhichOneof("frame") == "execute":
                outcome = self._execute(frame.execute)
                return WorkerFrame(executed=outcome.result, shots=outcome.shots)
            return WorkerFrame(loaded=self._describe(frame.load))
        except BaseException as error:
            # After a panic or an exit nothing in this process is to be trusted:
            # it answers, ends, and the server starts another.
            self._spoilt = not isinstance(error, Exception)
            if isinstance(error, MemoryError):
                self._programs.clear()
            explanation = attempt.explain(error, self._settings.memory_limit_mb)
            explanation.message = told(explanation.message, self._private)
            explanation.worker_ends = self._spoilt
            if frame.WhichOneof("frame") == "execute":
                _logger.info("job %s failed: %s", frame.execute.job_id, explanation.message)
                return WorkerFrame(execution_failed=explanation)
            name, message = frame.load.backend_name, explanation.message
            # It is tried again and again: where it went wrong is told once.
            is_news, self._complaints[name] = self._complaints.get(name) != message, message
            trace = error if is_news else None
            _logger.warning("backend %s is not described: %s", name, message, exc_info=trace)
            return WorkerFrame(load_failed=explanation)

    def _describe(self, request: LoadBackend) -> BackendLoaded:
        loaded = self._backend(request.backend_name)
        description = describe(loaded.backend)
        loaded.target_sha256 = description.target.sha256
        self._complaints.pop(request.backend_name, None)
        if request.prepare:
            # Qiskit imports what it transpiles with, plugins included, at the first time.
            transpile([QuantumCircuit(1)], TranspileOptions(), loaded.backend, names=["first"])
            self._slate.note()
        return description

    def _execute(self, request: ExecuteJob) -> attempt.Executed:
        failpoint("worker.received")
        allow_processor_time(self._settings.processor_seconds)
        spec = JobSpec.FromString(request.spec)
        loaded = self._backend(spec.backend_name, request.target_sha256)
        if request.target_sha256 not in (b"", loaded.target_sha256):
            # Another worker has found out that it is not what it was.
            loaded.backend.read_again()
            loaded.target_sha256 = request.target_sha256
        listener = _FrameListener(self._connection)
        return attempt.execute(
            loaded.backend,
            request,
            spec,
            programs=self._programs,
            result_limit_bytes=self._settings.result_bytes,
            listener=listener,
            source=listener,
        )

    def _backend(self, name: str, target_sha256: bytes = b"") -> _Loaded:
        """The backend, loaded now or before; the least recently used makes room.

        Args:
            name: its name.
            target_sha256: digest of its Target as it is now, where that is known.
        """
        loaded = self._loaded.get(name)
        if loaded is None:
            while len(self._loaded) >= self._settings.loaded_backends:
                self._loaded.popitem(last=False)
            backend = load_backend(
                self._specs[name],
                threads=self._settings.threads,
                memory_limit_mb=self._settings.memory_limit_mb,
            )
            loaded = self._loaded[name] = _Loaded(backend, target_sha256)
            self._slate.note()
        self._loaded.move_to_end(name)
        return loaded


class _FrameListener(AttemptListener):
    """Tells the server how far an attempt is."""

    def __init__(self, connection: FrameSocket) -> None:
        self._connection = connection

    def running(self) -> None:
        self._connection.send(WorkerFrame(running=JobRunning()))

    def progress(self, finished: int, total: int) -> None:
        told = JobProgress(finished=finished, total=total)
        self._connection.send(WorkerFrame(progress=told))

    def expect(self, total: int) -> None:
        self._connection.send(WorkerFrame(runs_expected=RunsExpected(total=total)))

    def next_part(self, wanted: PartWanted) -> RunPart:
        self._connection.send(WorkerFrame(part_wanted=wanted))
        answer = self._connection.receive()
        if answer is None:
            # The server is gone, and nobody wants the rest.
            sys.exit()
        return answer.run_part

    def pub_finished(self, result: bytes) -> None:
        self._connection.send(WorkerFrame(pub_finished=result))

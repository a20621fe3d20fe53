"""The worker's loop: read a frame, do it, answer."""

from __future__ import annotations

import logging
from collections import OrderedDict

from longwire.v1.job_pb2 import JobProgress, JobSpec
from longwire_server.backends.loading import HostedBackend, load_backend
from longwire_server.backends.spec import BackendSpec
from longwire_server.execution.frames_pb2 import (
    ExecuteJob,
    JobRunning,
    ServerFrame,
    WorkerFrame,
    WorkerReady,
    WorkerSettings,
)
from longwire_server.execution.worker import attempt
from longwire_server.execution.worker.describing import describe
from longwire_server.execution.worker.framing import FrameSocket
from longwire_server.execution.worker.listener import AttemptListener
from longwire_server.execution.worker.programs import ProgramCache

_logger = logging.getLogger(__name__)


class WorkerLoop:
    """Serves one server until it closes the socket.

    Args:
        connection: the worker's end of the socket pair.
        settings: what the worker may load and use.
    """

    def __init__(self, connection: FrameSocket, settings: WorkerSettings) -> None:
        self._connection = connection
        self._settings = settings
        specs = [BackendSpec.from_json(text) for text in settings.backend_specs]
        self._specs = {spec.name: spec for spec in specs}
        self._loaded: OrderedDict[str, HostedBackend] = OrderedDict()
        self._programs = ProgramCache()
        self._spoilt = False

    def run(self) -> None:
        """Answers frames until the server closes the socket."""
        self._connection.send(WorkerFrame(ready=WorkerReady()))
        while not self._spoilt and (frame := self._connection.receive()) is not None:
            self._connection.send(self._answer(frame))

    def _answer(self, frame: ServerFrame) -> WorkerFrame:
        # The outermost handler of the process. BaseException: Qiskit's native
        # code panics with one, and an attempt must never end without an answer.
        try:
            if frame.WhichOneof("frame") == "execute":
                return WorkerFrame(executed=self._execute(frame.execute))
            return WorkerFrame(loaded=describe(self._backend(frame.load.backend_name)))
        except BaseException as error:
            # After a panic or an exit nothing in this process is to be trusted:
            # it answers, ends, and the server starts another.
            self._spoilt = not isinstance(error, Exception)
            if isinstance(error, MemoryError):
                self._programs.clear()
            explanation = attempt.explain(error, self._settings.memory_limit_mb)
            explanation.worker_ends = self._spoilt
            if frame.WhichOneof("frame") == "execute":
                _logger.info("job %s failed: %s", frame.execute.job_id, explanation.message)
                return WorkerFrame(execution_failed=explanation)
            _logger.warning("backend does not load: %s", explanation.message, exc_info=error)
            return WorkerFrame(load_failed=explanation)

    def _execute(self, request: ExecuteJob) -> bytes:
        spec = JobSpec.FromString(request.spec)
        return attempt.execute(
            self._backend(spec.backend_name),
            request,
            spec,
            programs=self._programs,
            result_limit_bytes=self._settings.result_bytes,
            listener=_FrameListener(self._connection),
        )

    def _backend(self, name: str) -> HostedBackend:
        """The backend, loaded now or before; the least recently used makes room."""
        backend = self._loaded.get(name)
        if backend is None:
            while len(self._loaded) >= self._settings.loaded_backends:
                self._loaded.popitem(last=False)
            backend = load_backend(
                self._specs[name],
                threads=self._settings.threads,
                memory_limit_mb=self._settings.memory_limit_mb,
            )
            self._loaded[name] = backend
        self._loaded.move_to_end(name)
        return backend


class _FrameListener(AttemptListener):
    """Tells the server how far an attempt is."""

    def __init__(self, connection: FrameSocket) -> None:
        self._connection = connection

    def running(self) -> None:
        self._connection.send(WorkerFrame(running=JobRunning()))

    def progress(self, finished: int, total: int) -> None:
        told = JobProgress(finished=finished, total=total)
        self._connection.send(WorkerFrame(progress=told))

    def pub_finished(self, result: bytes) -> None:
        self._connection.send(WorkerFrame(pub_finished=result))

"""The server's side of one worker process: start it, talk to it, end it."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.execution.executor import (
    AttemptListener,
    BackendLoadError,
    Executed,
    Failed,
    Outcome,
    Worker,
)
from longwire_server.execution.frames_pb2 import (
    PART_OF_WORKER_ALONE,
    BackendLoaded,
    ExecuteJob,
    LoadBackend,
    PartOfWorker,
    PartWanted,
    ProgramLimits,
    RunPart,
    ServerFrame,
    WorkerFrame,
    WorkerSettings,
)
from longwire_server.execution.wire_format import field_head
from longwire_server.execution.worker.framing import LENGTH, pack
from longwire_server.execution.worker_directories import WorkerDirectories
from longwire_server.execution.worker_frames import (
    FrameProtocol,
    MisbehaviourError,
    largest_frame_bytes,
)
from longwire_server.execution.worker_output import forward_output
from longwire_server.failpoints import VARIABLE, failpoint

_logger = logging.getLogger(__name__)

# The worker's whole environment beside its thread counts: nothing that the
# operator gave the server (addresses, passwords) reaches it.
_ENVIRONMENT_KEPT = (
    "PATH",
    "LANG",
    "LC_ALL",
    "TZ",
    "LD_LIBRARY_PATH",
    VARIABLE,
)
# What points to the worker's private directory, where it is in a sandbox.
_ENVIRONMENT_OF_PLACES = ("HOME", "TMPDIR")
_ENVIRONMENT_KEPT_PREFIXES = ("PYTHON", "CUDA_", "NVIDIA_")
_THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "RAYON_NUM_THREADS",
)

# A frame up to this size is sent in one piece: joining it takes less time than
# sending its parts.
_JOINED_BYTES = 64 << 10
# How long a worker that has ended is listened to.
_LAST_WORDS_SECONDS = 1.0
# More of an error's message is not kept.
_MESSAGE_CHARACTERS = 64 << 10


class WorkerDiedError(Exception):
    """The worker process ended; the message says how."""


class WorkerProcess(Worker):
    """A worker process and the socket to it.

    Args:
        settings: what the worker may load and use.
        on_exit: called once when the process has ended.
        directories: gives it a private directory, which goes with it.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        on_exit: Callable[[WorkerProcess], None],
        directories: WorkerDirectories,
    ) -> None:
        self._settings = WorkerSettings()
        self._settings.CopyFrom(settings)
        self._on_exit = on_exit
        self._directories = directories
        self._answer: asyncio.Future[WorkerFrame] | None = None
        # What came with the answer, where that is a result.
        self._executed = b""
        # The kinds of frames that would answer what was asked last.
        self._answers: tuple[str, ...] = ()
        # What it sent that no worker sends.
        self._misbehaviour = ""
        self._listener: AttemptListener | None = None
        self._on_part_wanted: Callable[[PartWanted], None] | None = None
        self._on_runs_expected: Callable[[int], None] | None = None
        self._killed = False
        self._reaper: asyncio.Task[None] | None = None
        self.loaded: set[str] = set()
        # Whose jobs it has run; None as long as it has run none.
        self.tenant: str | None = None
        # Digest of the Target of the backend that it was taken for, as it is by now.
        self.target_sha256 = b""
        # What the kernel cannot enforce of its sandbox, in words.
        self.not_enforced: tuple[str, ...] = ()

    async def start(self) -> None:
        """Starts the process and waits until it is ready.

        Raises:
            WorkerDiedError: it ended before.
        """
        directory = self._directories.make()
        self._settings.private_directory = str(directory)
        starting = asyncio.ensure_future(self._start_process(directory))
        try:
            # Half of a process cannot be ended.
            await asyncio.shield(starting)
        except asyncio.CancelledError:
            await starting
            raise
        except OSError:
            self._directories.remove(directory)
            raise
        frame = await self._ask([pack(ServerFrame(settings=self._settings))], "ready")
        if not frame.HasField("ready"):
            # What it may do could not be limited as its pool requires.
            raise WorkerDiedError(frame.load_failed.message)
        self.not_enforced = tuple(frame.ready.not_enforced)

    async def _start_process(self, directory: Path) -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        # exec, not fork: the child must not inherit gRPC's threads and locks.
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "longwire_server.execution.worker",
            str(theirs.fileno()),
            str(os.getpid()),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
            env=_environment(
                self._settings.threads, None if self._settings.sandbox == "off" else directory
            ),
        )
        theirs.close()
        loop = asyncio.get_running_loop()
        most_bytes = largest_frame_bytes(self._settings.result_bytes)
        self._protocol: FrameProtocol
        _, self._protocol = await loop.create_connection(
            lambda: FrameProtocol(self._on_frame, self._on_misbehaviour, most_bytes), sock=ours
        )
        # Without its socket a worker is of no use, whatever it still does.
        self._protocol.closed.add_done_callback(lambda _closed: self._end_process())
        self._reaper = asyncio.create_task(self._reap(directory))

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    @property
    def end(self) -> str:
        """How the process ended, in words."""
        if self._killed:
            return "the server ended it"
        code = self._process.returncode
        return "it goes on" if code is None else _how_it_ended(code)

    @property
    def is_usable(self) -> bool:
        """Whether it can be asked: it may have been killed and not yet be gone."""
        return not (self._killed or self._misbehaviour or self._protocol.closed.done())

    async def execute(
        self,
        job_id: str,
        spec: bytes,
        program: bytes,
        listener: AttemptListener,
        limits: ProgramLimits,
        *,
        part: PartOfWorker.ValueType = PART_OF_WORKER_ALONE,
        on_part_wanted: Callable[[PartWanted], None] | None = None,
        on_runs_expected: Callable[[int], None] | None = None,
    ) -> Outcome:
        """See :meth:`Worker.execute`.

        Args:
            job_id: the job's id.
            spec: its serialised JobSpec.
            program: the payloads that it names by their digest.
            listener: hears of the attempt until this returns.
            limits: what the program may ask for.
            part: what the worker does in an attempt at which others work, too.
            on_part_wanted: called when the worker can run a part, which it waits for
                until :meth:`give_part`. Raises MisbehaviourError where that cannot be.
            on_runs_expected: called with how many runs the job seems to have, before the
                worker reads it, where they can be shared out.
        """
        self._listener = listener
        self._on_part_wanted = on_part_wanted
        self._on_runs_expected = on_runs_expected
        request = ExecuteJob(
            job_id=job_id,
            target_sha256=self.target_sha256,
            limits=limits,
            tenant=self.tenant or "",
            part=part,
        )
        try:
            failpoint("execution.attempt.before", WorkerDiedError)
            answer = await self._sent(_execute_frame(request, spec, program), "executed")
            failpoint("execution.attempt.after", WorkerDiedError)
            frame = await answer
        except WorkerDiedError as error:
            return self._lost(error)
        finally:
            self._listener = self._on_part_wanted = self._on_runs_expected = None
            result, self._executed = self._executed, b""
        if frame.HasField("executed"):
            return Executed(result, frame.shots)
        failed = frame.execution_failed
        return Failed(failed.reason, failed.message[:_MESSAGE_CHARACTERS])

    def give_part(self, part: RunPart) -> None:
        """Answers what :meth:`execute` told of by ``on_part_wanted``."""
        if self.is_usable:
            self._protocol.send([pack(ServerFrame(run_part=part))])

    def _lost(self, error: WorkerDiedError) -> Failed:
        """What a job is told whose worker has ended."""
        if not self._killed and self._process.returncode == -signal.SIGXCPU:
            return Failed(
                ErrorReason.ERROR_REASON_TIME_LIMIT,
                f"The job used more than {self._settings.processor_seconds:g} s of processor time, "
                "its pool's processor_seconds: split it, or use fewer shots or qubits",
            )
        return Failed(ErrorReason.ERROR_REASON_WORKER_DIED, str(error))

    async def describe(self, backend_name: str, *, prepare: bool = False) -> BackendLoaded:
        """Loads a backend and returns what it is.

        Args:
            backend_name: the backend.
            prepare: whether to have ready what its first job will need.

        Raises:
            BackendLoadError: it cannot be loaded.
        """
        load = LoadBackend(backend_name=backend_name, prepare=prepare)
        try:
            frame = await self._ask([pack(ServerFrame(load=load))], "loaded")
        except WorkerDiedError as error:
            message = f"{error} while it loaded the backend"
            raise BackendLoadError(message, ended_worker=True) from error
        if frame.HasField("load_failed"):
            failed = frame.load_failed
            raise BackendLoadError(failed.message, ended_worker=failed.worker_ends)
        return frame.loaded

    def goes_on(self) -> bool:
        """See :meth:`Worker.goes_on`.

        The kernel is asked, not the process: a simulation in Aer's C++ holds Python's
        lock from its beginning to its end, so nothing in the worker could answer.
        """
        if not hasattr(os, "waitid"):
            return True
        try:
            # Only looked at (WNOWAIT): the event loop waits for the process's end.
            stopped = os.waitid(os.P_PID, self._process.pid, os.WSTOPPED | os.WNOHANG | os.WNOWAIT)
        except ChildProcessError:
            # It has ended, which is noticed elsewhere.
            return True
        return stopped is None

    def kill(self) -> None:
        """See :meth:`Worker.kill`."""
        self._killed = True
        self._end_process()

    def _end_process(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    async def stop(self) -> None:
        """Ends the process, if it was started, and waits until it is gone."""
        if self._reaper is not None:
            self.kill()
            await self._reaper

    async def _ask(self, frame: Sequence[bytes], answer: str) -> WorkerFrame:
        """Sends a frame, in one or more parts, and returns the answer.

        Args:
            frame: its parts.
            answer: which kind of frame answers it, if not a failure.
        """
        return await (await self._sent(frame, answer))

    async def _sent(self, frame: Sequence[bytes], answer: str) -> asyncio.Future[WorkerFrame]:
        """Sends a frame, and returns the answer to come."""
        if not self.is_usable:
            raise WorkerDiedError(self._why_it_ended(await self._process.wait()))
        self._answers = (answer, "execution_failed" if answer == "executed" else "load_failed")
        self._answer = asyncio.get_running_loop().create_future()
        self._protocol.send(frame)
        return self._answer

    def _on_misbehaviour(self, what: str) -> None:
        self._misbehaviour = what
        _logger.error("worker %d is ended: %s", self.pid, what)
        self._end_process()

    def _on_frame(self, frame: WorkerFrame, executed: bytes) -> None:
        if self._listener is not None:
            failpoint("execution.frame.received")
        if _tell(self._listener, frame):
            return
        kind = frame.WhichOneof("frame")
        if kind == "part_wanted" and self._on_part_wanted is not None:
            self._on_part_wanted(frame.part_wanted)
            return
        if kind == "runs_expected" and self._on_runs_expected is not None:
            self._on_runs_expected(frame.runs_expected.total)
            return
        if kind not in self._answers or self._answer is None:
            raise MisbehaviourError(f"it sent a frame out of turn ({kind})")
        if len(executed) > self._settings.result_bytes:
            raise MisbehaviourError(
                f"it sent a result of {len(executed)} bytes, where "
                f"{self._settings.result_bytes} are the most"
            )
        # Each answer answers once. The one who asked may have given up.
        self._answers = ()
        if not self._answer.done():
            if frame.execution_failed.worker_ends or frame.load_failed.worker_ends:
                self.kill()
            self._executed = executed
            self._answer.set_result(frame)

    def _why_it_ended(self, code: int) -> str:
        if self._misbehaviour:
            return f"The server ended the worker process: {self._misbehaviour}"
        return _how_it_ended(code)

    async def _reap(self, directory: Path) -> None:
        assert self._process.stdout is not None
        told = asyncio.create_task(forward_output(self._process.stdout, self.pid))
        code = await self._process.wait()
        # What the worker sent before it ended is still in the socket.
        await self._protocol.closed
        loop = asyncio.get_running_loop()
        removed = loop.run_in_executor(None, self._directories.remove, directory)
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(WorkerDiedError(self._why_it_ended(code)))
            # Nobody may be waiting any more.
            self._answer.exception()
        self._on_exit(self)
        await removed
        # A process of its own that lives on may hold the other end.
        await asyncio.wait({told}, timeout=_LAST_WORDS_SECONDS)
        told.cancel()


def _execute_frame(request: ExecuteJob, spec: bytes, program: bytes) -> list[bytes]:
    """A ServerFrame with an ExecuteJob, in parts: what is large is not copied."""
    fields = [request.SerializeToString()]
    fields += [field_head(ExecuteJob.SPEC_FIELD_NUMBER, len(spec)), spec]
    if program:
        fields += [field_head(ExecuteJob.PROGRAM_FIELD_NUMBER, len(program)), program]
    size_bytes = sum(map(len, fields))
    head = field_head(ServerFrame.EXECUTE_FIELD_NUMBER, size_bytes)
    parts = [LENGTH.pack(len(head) + size_bytes), head, *fields]
    return parts if size_bytes > _JOINED_BYTES else [b"".join(parts)]


def _tell(listener: AttemptListener | None, frame: WorkerFrame) -> bool:
    """Tells the listener what a frame says; False where the frame is an answer."""
    match frame.WhichOneof("frame"):
        case "running":
            if listener is not None:
                listener.running()
        case "progress":
            if listener is not None:
                listener.progress(frame.progress.finished, frame.progress.total)
        case "pub_finished":
            if listener is not None:
                listener.pub_finished(frame.pub_finished)
        case _:
            return False
    return True


def _environment(threads: int, private_directory: Path | None) -> dict[str, str]:
    names = (
        _ENVIRONMENT_KEPT if private_directory else (*_ENVIRONMENT_KEPT, *_ENVIRONMENT_OF_PLACES)
    )
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in names or name.startswith(_ENVIRONMENT_KEPT_PREFIXES)
    }
    if private_directory is not None:
        kept.update(dict.fromkeys(_ENVIRONMENT_OF_PLACES, str(private_directory)))
    # Aer, NumPy and Qiskit each start a thread a processor unless told otherwise,
    # and the workers would fight for the processors.
    kept.update(dict.fromkeys(_THREAD_VARIABLES, str(threads)), QISKIT_PARALLEL="FALSE")
    return kept


def _how_it_ended(code: int) -> str:
    if code < 0:
        try:
            return f"The worker process was ended by {signal.Signals(-code).name}"
        except ValueError:
            return f"The worker process was ended by signal {-code}"
    return f"The worker process exited with code {code}"

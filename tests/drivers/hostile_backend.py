"""A driver that tries what nobody in a worker should be able to do, and tells how it went."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from qiskit.providers import BackendV2, Options
from qiskit.providers.basic_provider import BasicSimulator
from qiskit.transpiler import Target

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(value: int) -> str:
    if value < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return "done"


def _read(path: str) -> str:
    return Path(path).read_bytes()[:40].hex()


def _connect(address: str) -> str:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5):
        return "done"


def _unix_socket(path: str) -> str:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
        client.connect(path)
    return "done"


def _datagram_pair(_argument: str) -> str:
    for each in socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM):
        each.close()
    return "done"


def _write(path: str) -> str:
    Path(path).write_text("here I am")
    return "done"


def _server_environment(_argument: str) -> str:
    return _read(f"/proc/{os.getppid()}/environ")


def _signal_server(_argument: str) -> str:
    os.kill(os.getppid(), 0)
    return "done"


def _limit_server(_argument: str) -> str:
    import resource

    return str(resource.prlimit(os.getppid(), resource.RLIMIT_NOFILE))


def _trace_server(_argument: str) -> str:
    attach = 16
    return _checked(_libc.ptrace(attach, os.getppid(), None, None))


def _change_mode(path: str) -> str:
    Path(path).chmod(0o777)
    return "done"


def _open_files(number: str) -> str:
    with contextlib.ExitStack() as stack:
        for _ in range(int(number)):
            stack.enter_context(tempfile.TemporaryFile())
    return "done"


def _write_much(mib: str) -> str:
    with tempfile.TemporaryFile() as file:
        file.truncate(int(mib) << 20)
        file.seek(int(mib) << 20)
        file.write(b"x")
        file.flush()
    return "done"


def _fork(_argument: str) -> str:
    pid = os.fork()
    if pid == 0:
        os._exit(0)
    os.waitpid(pid, 0)
    return "done"


def _start_program(_argument: str) -> str:
    return subprocess.check_output(["/bin/echo", "done"], text=True).strip()


def _start_thread(_argument: str) -> str:
    thread = threading.Thread(target=time.monotonic)
    thread.start()
    thread.join()
    return "done"


def _spin(_argument: str) -> str:
    while True:
        pass


def _environment(_argument: str) -> str:
    return " ".join(sorted(os.environ))


def _descriptors(_argument: str) -> str:
    return " ".join(
        sorted(str(Path(f"/proc/self/fd/{fd}").readlink()) for fd in _open_descriptors())
    )


def _open_descriptors() -> list[int]:
    found = []
    for fd in [int(path.name) for path in Path("/proc/self/fd").iterdir()]:
        with contextlib.suppress(OSError):
            os.fstat(fd)
            found.append(fd)
    return found


def _capabilities(_argument: str) -> str:
    """What any thread of the process may do as root does, as hexadecimal numbers."""
    found = {
        f"{int(line.split()[1], 16):x}"
        for path in Path("/proc/self/task").glob("*/status")
        for line in path.read_text().splitlines()
        if line.startswith(("CapPrm:", "CapEff:", "CapInh:"))
    }
    return " ".join(sorted(found))


def _places(_argument: str) -> str:
    return " ".join([os.environ["HOME"], tempfile.gettempdir(), str(Path.cwd())])


def _spoil(_argument: str) -> str:
    """Changes all of the process's state that Python lets it change."""
    os.environ["LEFT_BEHIND"] = "yes"
    warnings.simplefilter("error")
    random.seed(7)
    np.random.seed(7)
    np.set_printoptions(precision=1)
    np.seterr(all="ignore")
    signal.signal(signal.SIGUSR1, lambda *_: None)
    os.umask(0)
    Path("left-behind").write_text("yes")
    Path("folder").mkdir()
    Path("folder", "left-behind").write_text("yes")
    sys.setrecursionlimit(10_000)
    os.chdir("folder")
    return "done"


def _look_around(_argument: str) -> str:
    umask = os.umask(0o077)
    os.umask(umask)
    state = (
        "LEFT_BEHIND" in os.environ,
        warnings.filters[0][0] == "error",
        random.random() == random.Random(7).random(),
        bool(np.random.random() == np.random.RandomState(7).random()),
        np.get_printoptions()["precision"] == 1,
        np.geterr()["divide"] == "ignore",
        signal.getsignal(signal.SIGUSR1) is not signal.SIG_DFL,
        umask == 0,
        sys.getrecursionlimit() == 10_000,
        *sorted(path.name for path in Path().iterdir()),
        *sorted(path.name for path in Path(tempfile.gettempdir()).iterdir()),
    )
    return " ".join(map(str, state))


def _leave_child(_argument: str) -> str:
    return str(subprocess.Popen(["/bin/sleep", "600"]).pid)


def _send(frame: str) -> str:
    """Sends what is no frame, or none of the driver's, to the server."""
    for fd in _open_descriptors():
        if not str(Path(f"/proc/self/fd/{fd}").readlink()).startswith("socket:"):
            continue
        with socket.socket(fileno=os.dup(fd)) as connection:
            if connection.type == socket.SOCK_STREAM:
                connection.sendall(bytes.fromhex(frame))
    return _spin("")


def _blame(path: str) -> str:
    raise FileNotFoundError(2, "No such file or directory", path)


_DEEDS: dict[str, Callable[[str], str]] = {
    name.lstrip("_"): deed
    for name, deed in list(globals().items())
    if name.startswith("_") and callable(deed) and name not in ("_checked", "_open_descriptors")
}


class HostileBackend(BackendV2):
    """Qiskit's BasicSimulator that first does what the option ``deed`` names."""

    def __init__(self) -> None:
        super().__init__(name="hostile", backend_version="1.0.0")
        self._simulator = BasicSimulator()

    @property
    def target(self) -> Target:
        """The simulator's."""
        return self._simulator.target

    @property
    def max_circuits(self) -> int | None:
        """Any number."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=16, seed_simulator=1, memory=False, deed="", argument="")

    def run(self, run_input: Any, *, deed: str = "", argument: str = "", **options: Any) -> Any:
        """Runs; the result's headers tell what came of the deed."""
        if not deed:
            outcome = ""
        elif deed == "blame":
            outcome = _blame(argument)
        else:
            try:
                outcome = _DEEDS[deed](argument)
            except OSError as error:
                outcome = f"{type(error).__name__}: {error.errno}"
        result = self._simulator.run(run_input, **options).result()
        for each in result.results:
            each.header["outcome"] = outcome
            each.header["pid"] = os.getpid()
        return _Job(result)


class _Job:
    def __init__(self, result: Any) -> None:
        self._result = result

    def result(self) -> Any:
        return self._result

"""Entry of the worker process: ``python -m longwire_server.execution.worker FD PARENT_PID``."""

from __future__ import annotations

import logging
import os
import socket
import sys

from longwire.v1.error_pb2 import ErrorReason
from longwire_server.execution.frames_pb2 import ExecutionError, WorkerFrame
from longwire_server.execution.worker import sandbox
from longwire_server.execution.worker.framing import FrameSocket

_MOST_DESCRIPTORS = 1 << 20


def main() -> None:
    """Reads the settings, enters the sandbox, and serves."""
    descriptor, parent_pid = int(sys.argv[1]), int(sys.argv[2])
    # An event loop may let a child inherit more than was asked of it.
    os.closerange(3, descriptor)
    os.closerange(descriptor + 1, _MOST_DESCRIPTORS)
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format="%(asctime)s %(levelname)s worker %(process)d %(message)s",
    )
    # Qiskit tells of every pass at INFO: that is no news, and takes time.
    logging.getLogger("longwire_server").setLevel(logging.INFO)
    connection = FrameSocket(socket.socket(fileno=descriptor))
    first = connection.receive()
    if first is None:
        return
    try:
        not_enforced = sandbox.enter(parent_pid, first.settings)
    except sandbox.SandboxError as error:
        failed = ExecutionError(
            reason=ErrorReason.ERROR_REASON_BACKEND_NOT_OPERATIONAL, message=str(error)
        )
        connection.send(WorkerFrame(load_failed=failed))
        raise SystemExit(f"worker {os.getpid()}: {error}") from error
    # Only now: this imports Qiskit, which must happen under the limits.
    from longwire_server.execution.worker.loop import WorkerLoop

    WorkerLoop(connection, first.settings, not_enforced).run()


if __name__ == "__main__":
    main()

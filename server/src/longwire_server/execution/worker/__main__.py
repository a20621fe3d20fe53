"""Entry of the worker process: ``python -m longwire_server.execution.worker FD PARENT_PID``."""

from __future__ import annotations

import logging
import socket
import sys

from longwire_server.execution.worker import sandbox
from longwire_server.execution.worker.framing import FrameSocket


def main() -> None:
    """Reads the settings, enters the sandbox, and serves."""
    descriptor, parent_pid = int(sys.argv[1]), int(sys.argv[2])
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
    sandbox.enter(parent_pid, first.settings.memory_limit_mb)
    # Only now: this imports Qiskit, which must happen under the limits.
    from longwire_server.execution.worker.loop import WorkerLoop

    WorkerLoop(connection, first.settings).run()


if __name__ == "__main__":
    main()

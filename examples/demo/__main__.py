"""``make demo``: a server in one process, circuits sent to it from another.

Starts `longwire-server` on a free port with its data in a temporary directory,
then runs circuits.py, which knows nothing of the server but its address. At the
end, or at Ctrl-C, nothing of either is left.
"""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from examples.demo import screen

STOP_SECONDS = 40.0


def main() -> int:
    """Runs the demo and returns its exit code."""
    # So that `kill` cleans up as Ctrl-C does.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    screen.title("Longwire", "quantum circuits on a backend at the other end of a wire")
    try:
        with tempfile.TemporaryDirectory(prefix="longwire-demo-") as folder:
            with running_server(Path(folder)) as address:
                command = [sys.executable, "-m", "examples.demo.circuits", address]
                # In a group of its own, as the server is: Ctrl-C comes here alone.
                code = subprocess.run(command, check=False, process_group=0).returncode
            screen.heading("Cleaned up")
            screen.line("the server and its workers have ended, their data is deleted")
    except KeyboardInterrupt:
        screen.line("Stopped: the server has ended, its data is deleted.")
        return 130
    return code


@contextlib.contextmanager
def running_server(folder: Path) -> Iterator[str]:
    """A server on a free port of this machine; yields its address."""
    screen.heading("A server")
    started = time.perf_counter()
    command = [sys.executable, "-m", "longwire_server", "serve"]
    command += ["--address", "localhost:0", "--data-dir", str(folder)]
    log_path = folder / "server.log"
    with log_path.open("w") as log:
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, process_group=0
        )
    try:
        assert server.stdout is not None
        # The server prints one line, as soon as it can serve.
        first_line = server.stdout.readline()
        if not first_line.startswith("listening on "):
            raise SystemExit(f"The server did not start:\n{log_path.read_text()}")
        seconds = time.perf_counter() - started
        screen.line(f"{first_line.strip()}, process {server.pid}, after {seconds:.1f} s")
        yield first_line.removeprefix("listening on ").strip()
    finally:
        server.terminate()
        try:
            server.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())

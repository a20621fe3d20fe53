"""Becomes another program that the kernel ends when its parent does (on Linux).

python -m longwire_server.gateway.launch PARENT_PID PROGRAM [ARGUMENT...]
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from typing import Final

_PR_SET_PDEATHSIG: Final = 1


def main() -> None:
    """Asks the kernel, and becomes the program."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != int(parent):
            # It ended before the kernel was asked.
            sys.exit(1)
    os.execv(command[0], command)  # noqa: S606 - no shell, and the operator's own program


if __name__ == "__main__":
    main()

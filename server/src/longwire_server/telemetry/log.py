"""The server's log: one line an event, on standard error."""

from __future__ import annotations

import logging
import sys


def configure(level: str = "INFO") -> None:
    """Sends the log to standard error."""
    logging.basicConfig(
        level=level, stream=sys.stderr, format="%(asctime)s %(levelname)s %(name)s %(message)s"
    )
    # Alembic tells of every step at INFO; only its warnings matter to an operator.
    logging.getLogger("alembic").setLevel(logging.WARNING)

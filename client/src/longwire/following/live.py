"""A job in a notebook, kept up to date by a thread."""

from __future__ import annotations

import sys
import threading
import uuid
from typing import Any

from longwire.errors import LongwireError
from longwire.following.job_html import job_html, job_text
from longwire.following.job_record import JobRecord
from longwire.transport.interruption import Interruption, WaitInterruptedError
from longwire.v1.job_pb2 import Job


def is_notebook() -> bool:
    """Whether this process is the kernel of a notebook."""
    if "IPython" not in sys.modules:
        return False
    from IPython.core.getipython import get_ipython

    return hasattr(get_ipython(), "kernel")


class JobPicture:
    """A job in a notebook: the first look is displayed, every later one replaces it.

    Raises:
        LongwireError: IPython is not installed.
    """

    def __init__(self) -> None:
        try:
            import IPython.display
        except ImportError:
            raise LongwireError(
                "A live display needs IPython: run this in a notebook, or install it "
                "(pip install ipykernel). Elsewhere, job.result(progress=True) shows the progress"
            ) from None
        self._display = IPython.display.display
        self._id = uuid.uuid4().hex
        self._is_displayed = False

    def show(self, job: Job, warning: str = "") -> None:
        """Shows a job as it is now."""
        data = {"text/html": job_html(job, warning), "text/plain": job_text(job)}
        self._display(  # type: ignore[no-untyped-call]
            data, raw=True, display_id=self._id, update=self._is_displayed
        )
        self._is_displayed = True


class LiveDisplay:
    """What ``job.live()`` shows: the job, brought up to date by a thread until it has ended.

    Args:
        record: what is known of the job.

    Raises:
        LongwireError: IPython is not installed.
    """

    def __init__(self, record: JobRecord) -> None:
        self._record = record
        self._picture = JobPicture()
        self._picture.show(record.message)
        self._interruption = Interruption()
        self._thread = threading.Thread(target=self._run, name="longwire-live", daemon=True)
        self._thread.start()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the display has its final form.

        Args:
            timeout: the most seconds to wait; None waits for ever.

        Returns:
            Whether it has.
        """
        self._thread.join(timeout)
        return not self._thread.is_alive()

    def stop(self) -> None:
        """Leaves the display as it is. The job goes on."""
        self._interruption.make()

    def _run(self) -> None:
        try:
            self._record.follow(self._picture.show, None, self._interruption)
        except WaitInterruptedError:
            return
        except LongwireError as error:
            self._picture.show(self._record.message, f"Not up to date: {error}")

    def __repr__(self) -> str:
        return f"<LiveDisplay of job {self._record.message.job_id}>"

    def _ipython_display_(self) -> Any:
        """Shows nothing more where it is the value of a cell: it is displayed already."""

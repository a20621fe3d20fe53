"""Failpoints: named places where a test makes this process die, fail or wait.

They show what is left of a job when its server or worker ends in the middle of a
step. In service they do nothing: unless ``LONGWIRE_FAILPOINTS`` is set when the
process starts, :func:`failpoint` is a function without a body. Workers inherit the
variable, which lists what happens where::

    LONGWIRE_FAILPOINTS='store.commit.before=kill@3,worker.run.before=delay:0.5@10%7'

One entry is ``NAME=ACTION[:VALUE][@WHEN]``. The actions:

- ``kill``: the process ends by SIGKILL.
- ``exit``: it ends at once with the exit code 70.
- ``error``: an exception is raised, such as a full disk would cause there.
- ``delay:SECONDS``: the thread, mostly that of the event loop, stands still.
- ``pause:PATH``: it stands still until the file exists.

They happen at every passage, or when ``WHEN`` says so:

- ``3``: at the third passage in this process.
- ``10%7``: at each with the probability of 10 %, drawn with the seed 7 (0 without one).
- ``file:PATH``: at a passage that finds the file, which is removed: once in all
  processes, and from a moment on that the test chooses.
"""

from __future__ import annotations

import dataclasses
import errno
import os
import random
import signal
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

VARIABLE: Final = "LONGWIRE_FAILPOINTS"
EXIT_CODE: Final = 70

# In the order in which a job passes them.
FAILPOINTS: Final[Mapping[str, str]] = {
    "store.migration.before": "The schema of the database is old; nothing is changed yet.",
    "store.migration.after": "The new schema is written, its transaction not yet committed.",
    "recovery.before": "A server starts and has read nothing of what was left to it.",
    "recovery.put_back": "Interrupted attempts are recorded as lost, their jobs not yet queued.",
    "recovery.begun": "Interrupted jobs are queued, and those that had not begun are not.",
    "recovery.queued": "All unfinished jobs are queued, while requests are being answered.",
    "service.submit.received": "A request for a job has come in.",
    "jobs.admitted": "The request may become a job; it has no record yet.",
    "jobs.add.before": "The job has an id, which nobody knows; its record is about to be written.",
    "store.payload.part": "The file of a large payload has its contents, and not yet its name.",
    "store.payload.written": "It has its name; nothing in the database refers to it.",
    "store.batch.taken": "Writes were taken from those that wait for a transaction.",
    "store.statements.before": "A transaction is about to begin.",
    "store.statement.after": "One write of a transaction is done; others may follow.",
    "store.commit.before": "All writes of a transaction are done, and it is about to be committed.",
    "store.commit.after": "It is committed, and whoever waits for it was not told.",
    "jobs.add.after": "The job is durable; it is not queued, and its submitter does not know it.",
    "jobs.queued": "The job is in the queue.",
    "service.accepted.before": "The submitter is about to be told the job's id.",
    "jobs.taken": "The job has left the queue for a worker that was taken for it.",
    "jobs.begin.before": "An attempt is about to be recorded as begun.",
    "execution.attempt.before": "The attempt is about to be sent to its worker.",
    "execution.attempt.after": "It is in the socket.",
    "jobs.begin.after": "The store has answered that the attempt may begin.",
    "worker.received": "The worker has read the attempt, and parsed nothing.",
    "worker.decoded": "It has the circuits.",
    "worker.run.before": "It is about to call the backend.",
    "worker.run.after": "The backend has returned a result.",
    "worker.encoded": "The result is in bytes.",
    "worker.answer.before": "The answer is about to be sent to the server.",
    "worker.answer.after": "It is in the socket.",
    "execution.frame.received": "The server has read a frame of the worker's.",
    "jobs.outcome.received": "The outcome of an attempt is known, and nothing of it is written.",
    "jobs.finish.before": "A final state is about to be recorded.",
    "jobs.finish.after": "It is durable, and no watcher was told.",
    "jobs.told.before": "Those who watch the job are about to be woken for its end.",
    "jobs.put_back.before": "A lost attempt is about to be recorded.",
    "jobs.put_back.after": "It is durable; the job is not queued again.",
    "service.events.before": "A watcher is about to be sent events.",
    "service.final.before": "A watcher is about to be sent the final event.",
    "service.result.before": "The result was read from the store for somebody who asked for it.",
    "service.chunk.before": "Another chunk of it is about to be sent.",
    "service.cancel.received": "A request to cancel a job has come in.",
    "jobs.cancel.queued": "The job to be cancelled has left the queue, and its record says QUEUED.",
    "jobs.cancel.running": "The worker of a job to be cancelled is about to be killed.",
    "service.cancel.after": "The job is cancelled, and whoever asked for it was not told.",
    "jobs.delete.before": "A job in a final state is about to be deleted.",
    "jobs.delete.after": "It is deleted, and whoever asked for it was not told.",
    "store.payload.unneeded": "Nothing refers to a large payload's file any more; it is there.",
    "server.drain.before": "A server that was told to stop has begun to.",
    "server.drain.after": "Its attempts have ended; its calls and workers have not.",
}


class FailpointsError(ValueError):
    """``LONGWIRE_FAILPOINTS`` cannot be used; the message says why."""


def parse(text: str) -> dict[str, Act]:
    """What happens at each failpoint that a value of the variable names.

    Args:
        text: entries as the module describes them, separated by commas.

    Returns:
        By name, what is to be called at each passage, with the class of the
        exception that an ``error`` raises.

    Raises:
        FailpointsError: the text has another form, or names what does not exist.
    """
    actions: dict[str, Act] = {}
    for entry in filter(None, map(str.strip, text.split(","))):
        name, _, rest = entry.partition("=")
        if name not in FAILPOINTS:
            raise _wrong(entry, f"there is no failpoint {name!r}")
        action, _, when = rest.partition("@")
        actions[name] = _Armed(name, _act(entry, name, action), _condition(entry, when)).reach
    return actions


def require_valid() -> None:
    """Checks what the variable says, before anything depends on it.

    Raises:
        FailpointsError: it cannot be used.
    """
    parse(os.environ.get(VARIABLE, ""))


Act = Callable[[type[Exception]], None]
Condition = Callable[[], bool]


@dataclasses.dataclass(frozen=True, slots=True)
class _Armed:
    """One failpoint at which something happens."""

    name: str
    act: Act
    condition: Condition

    def reach(self, error: type[Exception]) -> None:
        if self.condition():
            self.act(error)


def _act(entry: str, name: str, action: str) -> Act:
    kind, _, value = action.partition(":")
    match kind, bool(value):
        case "kill", False:
            return lambda _error: os.kill(os.getpid(), signal.SIGKILL)
        case "exit", False:
            return lambda _error: os._exit(EXIT_CODE)
        case "error", False:
            return lambda error: _raise(error, name)
        case "delay", True:
            seconds = _number(entry, value)
            return lambda _error: time.sleep(seconds)
        case "pause", True:
            return lambda _error: _wait_for(Path(value))
    raise _wrong(entry, f"{action!r} is none of kill, exit, error, delay:SECONDS and pause:PATH")


def _condition(entry: str, when: str) -> Condition:
    if not when:
        return lambda: True
    if when.startswith("file:"):
        path = when.removeprefix("file:")
        return lambda: _is_removed(path)
    if "%" in when:
        percent, _, seed = when.partition("%")
        generator = random.Random(round(_number(entry, seed or "0")))  # noqa: S311
        probability = _number(entry, percent) / 100
        return lambda: generator.random() < probability
    if not when.isdecimal() or int(when) == 0:
        raise _wrong(entry, f"{when!r} is none of a passage's number, P%SEED and file:PATH")
    return _NthPassage(int(when)).has_come


class _NthPassage:
    """Counts passages, of several threads."""

    def __init__(self, number: int) -> None:
        self._left = number
        self._lock = threading.Lock()

    def has_come(self) -> bool:
        with self._lock:
            self._left -= 1
            return self._left == 0


def _raise(error: type[Exception], name: str) -> None:
    message = f"the failpoint {name} says so ({VARIABLE})"
    if issubclass(error, OSError):
        raise error(errno.EIO, message)
    raise error(message)


def _wait_for(path: Path) -> None:
    while not path.exists():
        time.sleep(0.01)


def _is_removed(path: str) -> bool:
    try:
        os.unlink(path)  # noqa: PTH108 - a Path for each passage costs more
    except FileNotFoundError:
        return False
    return True


def _number(entry: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = -1.0
    if not 0 <= number < float("inf"):
        raise _wrong(entry, f"{text!r} is no number")
    return number


def _wrong(entry: str, why: str) -> FailpointsError:
    return FailpointsError(
        f"{VARIABLE} cannot be used: in {entry!r} {why}; "
        "longwire_server/failpoints.py says what can be written"
    )


def _pass_by(_name: str, _error: type[Exception] = OSError) -> None:
    """What a failpoint is in service: nothing."""


def _armed() -> Callable[[str, type[Exception]], None]:
    armed: dict[str, Act] | None = None

    def reach(name: str, error: type[Exception] = OSError) -> None:
        # Parsed here and not on import, so that the command can say what is wrong.
        nonlocal armed
        if armed is None:
            armed = parse(os.environ.get(VARIABLE, ""))
        act = armed.get(name)
        if act is not None:
            act(error)

    return reach


failpoint: Callable[..., None] = _armed() if os.environ.get(VARIABLE) else _pass_by
"""Marks a place: ``failpoint(name, error)``, with the class that the action ``error`` raises."""

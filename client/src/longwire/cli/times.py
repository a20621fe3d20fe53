"""Times and durations, as people read and write them."""

from __future__ import annotations

import datetime
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from google.protobuf.timestamp_pb2 import Timestamp

_UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhdw])")


def to_datetime(timestamp: Timestamp) -> datetime.datetime:
    """The time with its zone, UTC."""
    moment: datetime.datetime = timestamp.ToDatetime(tzinfo=datetime.UTC)
    return moment


def parse_since(text: str, now: datetime.datetime) -> datetime.datetime:
    """The time that a user means by ``2h``, ``2026-05-01`` or ``2026-05-01T14:30``.

    Args:
        text: a number with s, m, h, d or w, counted back from now; or an ISO 8601
            date with or without a time, in this machine's zone where it names none.
        now: the present time, with its zone.

    Raises:
        ValueError: it is neither.
    """
    duration = _DURATION.fullmatch(text.strip())
    try:
        if duration is not None:
            seconds = float(duration[1]) * _UNIT_SECONDS[duration[2]]
            return now - datetime.timedelta(seconds=seconds)
        return datetime.datetime.fromisoformat(text.strip()).astimezone(datetime.UTC)
    except (ValueError, OverflowError):
        raise ValueError(
            f"{text!r} is no time: write a span back from now, such as 30m, 2h or 7d, "
            "or a date, such as 2026-05-01 or 2026-05-01T14:30"
        ) from None


def format_duration(seconds: float) -> str:
    """A span of time, with three digits where it is short: ``0.042 s``, ``12.3 s``, ``3 min``."""
    seconds = max(0.0, seconds)
    for digits, bound in ((3, 1), (2, 10), (1, 60)):
        if round(seconds, digits) < bound:
            return f"{seconds:.{digits}f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} min"
    return f"{minutes // (24 * 60)} d {minutes // 60 % 24:02d} h"


def format_waited(seconds: float) -> str:
    """A span of time that is still growing, in whole units."""
    whole = int(max(0.0, seconds))
    return f"{whole} s" if whole < 60 else format_duration(whole)


def format_age(moment: datetime.datetime, now: datetime.datetime) -> str:
    """How long ago a time was, in one unit."""
    seconds = (now - moment).total_seconds()
    if seconds < 1:
        return "now"
    for unit, name in (("d", "d"), ("h", "h"), ("m", "min")):
        if seconds >= _UNIT_SECONDS[unit]:
            return f"{int(seconds // _UNIT_SECONDS[unit])} {name} ago"
    return f"{int(seconds)} s ago"


def format_local(moment: datetime.datetime) -> str:
    """A time in this machine's zone, to the second."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S")


def is_soon(moment: datetime.datetime) -> bool:
    """Whether an estimate lies in the past, or less than a second ahead: no time to tell."""
    return (moment - datetime.datetime.now(datetime.UTC)).total_seconds() < 1


def format_clock(moment: datetime.datetime) -> str:
    """The time of day in this machine's zone."""
    return moment.astimezone().strftime("%H:%M:%S")

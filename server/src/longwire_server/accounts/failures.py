"""How many wrong credentials each address has shown of late."""

from __future__ import annotations

import ipaddress
import time
from collections import OrderedDict
from typing import Final

_WINDOW_SECONDS: Final = 60.0
# Addresses that are remembered; the one whose last failure is the longest ago goes first.
_ADDRESSES: Final = 10_000
# Whoever has one address of this size has them all.
_IPV6_PREFIX_BITS: Final = 64


class Failures:
    """Counts failures by address, in windows of a minute that begin with a failure.

    Args:
        per_minute: how many an address may have before it counts as blocked.
    """

    def __init__(self, per_minute: int) -> None:
        self.per_minute = per_minute
        self._counts: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def count(self, address: str) -> None:
        """Counts a failure."""
        key = _network(address)
        now = time.monotonic()
        since, number = self._counts.pop(key, (now, 0))
        if now - since >= _WINDOW_SECONDS:
            since, number = now, 0
        self._counts[key] = (since, number + 1)
        if len(self._counts) > _ADDRESSES:
            self._counts.popitem(last=False)

    def blocked_seconds(self, address: str) -> float:
        """For how long further failures of an address are refused; 0 where they are not."""
        since, number = self._counts.get(_network(address), (0.0, 0))
        if number < self.per_minute:
            return 0.0
        return max(0.0, since + _WINDOW_SECONDS - time.monotonic())


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX_BITS), strict=False))

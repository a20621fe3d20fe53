"""Bounds of Envoy's connections and memory."""

from __future__ import annotations

from typing import Any, Final

Node = dict[str, Any]

_MONITORS: Final = "type.googleapis.com/envoy.extensions.resource_monitors"
_HEAP: Final = "envoy.resource_monitors.fixed_heap"
_HEAP_BYTES: Final = 1 << 30


def overload_manager(max_connections: int) -> Node:
    """What holds whatever strangers send at once.

    Args:
        max_connections: how many there may be.
    """

    def monitor(name: str, kind: str, **options: Any) -> Node:
        typed = {"@type": f"{_MONITORS}.{kind}", **options}
        return {"name": f"envoy.resource_monitors.{name}", "typed_config": typed}

    def above(part: float) -> list[Node]:
        return [{"name": _HEAP, "threshold": {"value": part}}]

    return {
        "refresh_interval": "0.1s",
        "resource_monitors": [
            monitor(
                "global_downstream_max_connections",
                "downstream_connections.v3.DownstreamConnectionsConfig",
                max_active_downstream_connections=max_connections,
            ),
            monitor(
                "fixed_heap",
                "fixed_heap.v3.FixedHeapConfig",
                max_heap_size_bytes=_HEAP_BYTES,
            ),
        ],
        "actions": [
            {
                "name": "envoy.overload_actions.reset_high_memory_stream",
                "triggers": [
                    {
                        "name": _HEAP,
                        "scaled": {"scaling_threshold": 0.7, "saturation_threshold": 0.95},
                    }
                ],
            },
            {"name": "envoy.overload_actions.stop_accepting_requests", "triggers": above(0.9)},
        ],
        "buffer_factory_config": {"minimum_account_to_track_power_of_two": 20},
        # The first action resets calls of HTTP/2 alone. Bodies that come over HTTP/1.1 end here.
        "loadshed_points": [
            {
                "name": "envoy.load_shed_points.http1_server_abort_dispatch",
                "triggers": above(0.95),
            }
        ],
    }

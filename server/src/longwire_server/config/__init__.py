"""The server's configuration: a TOML file, the environment, and what is built in.

Importing this package imports neither qiskit nor grpc.
"""

from __future__ import annotations

from longwire_server.config.address import is_loopback, split_address
from longwire_server.config.loading import ENVIRONMENT, load_config, with_overrides
from longwire_server.config.model import (
    BackendSection,
    LimitsSection,
    PoolSection,
    RetentionSection,
    ServerConfig,
    ServerSection,
    StoreSection,
)
from longwire_server.config.problems import ConfigError, Problem
from longwire_server.config.source import Source

__all__ = [
    "ENVIRONMENT",
    "BackendSection",
    "ConfigError",
    "LimitsSection",
    "PoolSection",
    "Problem",
    "RetentionSection",
    "ServerConfig",
    "ServerSection",
    "Source",
    "StoreSection",
    "is_loopback",
    "load_config",
    "split_address",
    "with_overrides",
]

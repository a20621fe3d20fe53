"""The command ``serve``."""

from __future__ import annotations

import os

from longwire_server.cli.options import (
    AddressOption,
    ConfigOption,
    DataDirOption,
    fail,
    load,
    make_data_directory,
)
from longwire_server.config import ConfigError


def serve(
    config: ConfigOption = None, address: AddressOption = None, data_dir: DataDirOption = None
) -> None:
    """Serves until SIGTERM or Ctrl-C. Prints one line when it can: listening on HOST:PORT."""
    loaded = load(config, address, data_dir)
    # Workers are started by exec, which needs none of gRPC's care for forks, only
    # makes it complain. It reads this when it is imported.
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
    # What an operator needs to know of gRPC's troubles, the server says itself.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    # Only this command needs gRPC and the database.
    from longwire_server.failpoints import FailpointsError, require_valid
    from longwire_server.server import CannotServeError, run
    from longwire_server.store.job_store import StoreError
    from longwire_server.telemetry import log

    log.configure()
    try:
        require_valid()
        make_data_directory(loaded)
        run(loaded, on_listening=lambda where: print(f"listening on {where}", flush=True))  # noqa: T201
    except (CannotServeError, StoreError, ConfigError, FailpointsError, OSError) as error:
        fail(str(error))

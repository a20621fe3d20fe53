"""Which files and directories are the server's alone: no worker may open them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import BaseModel

from longwire_server.config.model import ServerConfig


def hidden_paths(config: ServerConfig) -> tuple[Path, ...]:
    """Returns what holds jobs, results, keys and secrets, as the configuration names it.

    That is the data directory, the database and the payloads, the configuration file,
    and every file that a section names: certificates, keys, logs.
    """
    found = {config.server.data_dir, *_named_in([config.tls, config.auth, config.audit])}
    if config.source.path is not None:
        found.add(config.source.path)
    if config.store_is_embedded:
        database = config.store_url.partition(":///")[2].partition("?")[0]
        found.update(Path(database + suffix) for suffix in ("", "-wal", "-shm"))
    payloads = urlsplit(config.payloads_url)
    if payloads.scheme in ("", "file"):
        found.add(Path(payloads.path))
    return tuple(sorted(path.absolute() for path in found))


def _named_in(values: Iterable[object]) -> Iterator[Path]:
    """Yields the paths in sections, in lists of theirs and in sections of sections."""
    for value in values:
        if isinstance(value, Path):
            yield value
        elif isinstance(value, BaseModel):
            yield from _named_in(dict(value).values())
        elif isinstance(value, list | tuple):
            yield from _named_in(value)

"""What a configuration needs of the machine, as far as it can be seen without a start.

Nothing of a driver is imported for it, and nothing is made.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path

from longwire_server.config.http_section import NoEnvoyError, find_envoy
from longwire_server.config.model import ServerConfig
from longwire_server.config.problems import Problem
from longwire_server.config.source import dotted


def missing_around(config: ServerConfig) -> list[Problem]:
    """Returns what keeps a server with this configuration from working here."""
    return [*_missing_modules(config), *_impossible_directories(config)]


def notes_about(config: ServerConfig) -> list[str]:
    """Returns what may be meant, and what the server would do about it."""
    return [
        note
        for key, directory in _directories(config).items()
        if (note := _note(key, directory)) is not None
    ]


def _missing_modules(config: ServerConfig) -> Iterator[Problem]:
    for index, backend in enumerate(config.backends):
        if backend.factory is None:
            continue
        package = backend.factory.partition(":")[0].partition(".")[0]
        if not _is_installed(package):
            yield _problem(
                config,
                ("backend", index, "factory"),
                f"this Python finds no module {package!r}; install it beside longwire-server, or "
                "set PYTHONPATH to where it is, or work in that directory, for this command as for "
                "the server",
            )
    if not config.store_is_embedded and not _is_installed("psycopg"):
        yield _problem(
            config,
            ("store", "url"),
            "PostgreSQL needs the Python package psycopg: "
            "pip install 'longwire-server[postgresql]'",
        )
    if config.http.address is not None:
        try:
            find_envoy(config.http)
        except NoEnvoyError as error:
            yield _problem(config, ("http", "envoy"), str(error))


def _impossible_directories(config: ServerConfig) -> Iterator[Problem]:
    for key, directory in _directories(config).items():
        there = _nearest(directory)
        if not there.is_dir():
            yield _problem(
                config, key, f"{there} is no directory, so {directory} cannot be one; write another"
            )


def _directories(config: ServerConfig) -> dict[tuple[str, str], Path]:
    """The directories that the server writes to, by the setting that names them."""
    directories = {("server", "data_dir"): config.server.data_dir}
    if config.audit_file is not None and config.audit.file is not None:
        directories["audit", "file"] = config.audit_file.parent
    return directories


def _note(key: tuple[str, str], directory: Path) -> str | None:
    there = _nearest(directory)
    if not there.is_dir():
        return None
    if not os.access(there, os.W_OK | os.X_OK):
        return f"{dotted(key)}: {there} cannot be written by this user"
    return None if there == directory else f"{dotted(key)}: serve will make {directory}"


def _nearest(directory: Path) -> Path:
    """What is there of a path: itself, or the nearest of its parents."""
    return next(
        (each for each in (directory, *directory.parents) if os.path.lexists(each)), directory
    )


def _is_installed(package: str) -> bool:
    try:
        if find_spec(package) is not None:
            return True
        # Workers are started where the server is, and find what is there.
        return PathFinder.find_spec(package, [str(Path.cwd())]) is not None
    except ValueError:
        # Loaded already, in a way of its own.
        return True


def _problem(config: ServerConfig, key: tuple[str | int, ...], message: str) -> Problem:
    return Problem(config.source.place(key), dotted(key), message)

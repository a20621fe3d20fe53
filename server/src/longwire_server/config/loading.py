"""Reads a server's configuration from a TOML file and the environment."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from longwire_server.config.audit_section import AuditSection
from longwire_server.config.auth_section import AuthSection
from longwire_server.config.checks import (
    certificates_nobody_shows,
    complete_pools,
    duplicate_names,
    exposed_address,
    exposed_http,
    unknown_pools,
)
from longwire_server.config.complaints import complaints, toml_type
from longwire_server.config.connections_section import ConnectionsSection
from longwire_server.config.http_section import HttpSection
from longwire_server.config.lines import Path as KeyPath, key_lines, line_of
from longwire_server.config.machine import physical_memory_mb
from longwire_server.config.model import (
    BackendSection,
    LimitsSection,
    PoolSection,
    RetentionSection,
    ServerConfig,
    ServerSection,
    StoreSection,
)
from longwire_server.config.problems import ConfigError, Problem, did_you_mean
from longwire_server.config.quotas_section import QuotasSection
from longwire_server.config.source import Source, dotted
from longwire_server.config.tls_section import TlsSection

# Environment variables and the keys that they decide, over the file.
ENVIRONMENT: Final[Mapping[str, tuple[str, str]]] = {
    "LONGWIRE_SERVER_ADDRESS": ("server", "address"),
    "LONGWIRE_SERVER_DATA_DIR": ("server", "data_dir"),
    "LONGWIRE_SERVER_INSECURE": ("server", "insecure"),
    "LONGWIRE_SERVER_STORE_URL": ("store", "url"),
}

_TABLES: Final[Mapping[str, type[BaseModel]]] = {
    "server": ServerSection,
    "limits": LimitsSection,
    "store": StoreSection,
    "retention": RetentionSection,
    "tls": TlsSection,
    "connections": ConnectionsSection,
    "auth": AuthSection,
    "quotas": QuotasSection,
    "audit": AuditSection,
    "http": HttpSection,
}
_ARRAYS: Final[Mapping[str, type[BaseModel]]] = {"pool": PoolSection, "backend": BackendSection}
_SYNTAX_LINE = re.compile(r"\(at line (\d+), column (\d+)\)")
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}

_SectionT = TypeVar("_SectionT", bound=BaseModel)


def load_config(
    path: Path | None = None, *, environment: Mapping[str, str] | None = None
) -> ServerConfig:
    """Reads and checks a configuration.

    Args:
        path: the TOML file; None for what is built in.
        environment: the environment variables, `os.environ` by default. Those
            of :data:`ENVIRONMENT` win over the file.

    Raises:
        ConfigError: the configuration cannot be used; it lists every problem.
    """
    text, document = ("", {}) if path is None else _read(path)
    source = Source(path=path, lines=key_lines(text))
    return _Reader(document, source).read(os.environ if environment is None else environment)


def with_overrides(
    config: ServerConfig, *, address: str | None = None, data_dir: Path | None = None
) -> ServerConfig:
    """Returns the configuration with what the command line decides, checked again.

    Raises:
        ConfigError: an option's value cannot be used.
    """
    given: dict[KeyPath, str | None] = {
        ("server", "address"): address,
        ("server", "data_dir"): None if data_dir is None else str(Path.cwd() / data_dir),
    }
    chosen = {key: value for key, value in given.items() if value is not None}
    overrides = {key: f"--{str(key[1]).replace('_', '-')}" for key in chosen}
    source = Source(
        path=config.source.path,
        lines=config.source.lines,
        overrides={**config.source.overrides, **overrides},
    )
    reader = _Reader({}, source)
    table = config.server.model_dump() | {str(key[1]): value for key, value in chosen.items()}
    server = reader.section(("server",), ServerSection, table)
    if server is not None:
        reader.complain(exposed_address(server, config.tls))
    if server is None or reader.problems:
        raise ConfigError(reader.problems)
    return config.model_copy(update={"server": server, "source": source})


def _read(path: Path) -> tuple[str, dict[str, Any]]:
    """Returns a file's text and the TOML document in it."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        message = f"cannot be read: {error.strerror}; give the path of a TOML file"
        raise ConfigError([Problem(str(path), "", message)]) from error
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 text, at byte {error.start}; save it as UTF-8"
        raise ConfigError([Problem(str(path), "", message)]) from error
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _SYNTAX_LINE.search(str(error))
        line = int(found[1]) if found else text.count("\n") + 1
        said = _SYNTAX_LINE.sub(f"at column {found[2]}" if found else "", str(error))
        what = said.replace("(at end of document)", "at the end of the file")
        message = f"not TOML: {what[:1].lower()}{what[1:]}"
        raise ConfigError([Problem(f"{path}:{line}", "", message)]) from error


class _Reader:
    """Checks one document and collects everything that is wrong with it."""

    def __init__(self, document: Mapping[str, Any], source: Source) -> None:
        self._document = dict(document)
        self._source = source
        self._found: list[tuple[KeyPath, str]] = []

    @property
    def problems(self) -> list[Problem]:
        """The problems found so far, in the order of the file."""
        found = sorted(self._found, key=lambda each: line_of(self._source.lines, each[0]))
        return [Problem(self._source.place(key), dotted(key), message) for key, message in found]

    def read(self, environment: Mapping[str, str]) -> ServerConfig:
        for name in self._document.keys() - _TABLES.keys() - _ARRAYS.keys():
            hint = did_you_mean(name, [*_TABLES, *_ARRAYS])
            self._complain((name,), f"unknown table; {hint}")
        for name in [*_TABLES, *_ARRAYS]:
            self._check_shape(name)
        self._apply(environment)
        tables = {
            name: self.section((name,), section, self._document[name])
            for name, section in _TABLES.items()
        }
        pools = list(self._sections("pool", PoolSection))
        backends = list(self._sections("backend", BackendSection))
        self._found += duplicate_names("pool", self._names("pool"), self._source)
        self._found += duplicate_names("backend", self._names("backend"), self._source)
        self._found += unknown_pools(backends, self._names("pool"))
        server, tls = tables["server"], tables["tls"]
        if isinstance(server, ServerSection) and isinstance(tls, TlsSection):
            self.complain(exposed_address(server, tls))
            if isinstance(http := tables["http"], HttpSection):
                self.complain(exposed_http(http, server, tls))
        auth = tables["auth"]
        if isinstance(auth, AuthSection) and isinstance(tls, TlsSection):
            self.complain(certificates_nobody_shows(auth, tls))
        if self._found or not (isinstance(server, ServerSection) and isinstance(tls, TlsSection)):
            raise ConfigError(self.problems)
        config = ServerConfig.model_validate(
            {
                **tables,
                "server": self._with_absolute_data_dir(server),
                "tls": tls.beside(self._directory),
                "pools": tuple(pool for pool in pools if pool is not None),
                "backends": tuple(backend for backend in backends if backend is not None),
                "source": self._source,
            }
        )
        complete = complete_pools(
            config.pools,
            config.backends,
            include_entry_points=config.includes_entry_points,
            memory_mb=physical_memory_mb(),
        )
        return config.model_copy(
            update={
                "auth": config.auth.beside(self._directory),
                "audit": config.audit.beside(self._directory),
                "http": config.http.beside(self._directory),
                "pools": complete,
            }
        )

    def section(
        self, key: KeyPath, section: type[_SectionT], table: Mapping[str, Any]
    ) -> _SectionT | None:
        """Returns one table as its class, or None when something in it is wrong."""
        try:
            return section.model_validate(table)
        except ValidationError as error:
            for member, message in complaints(section, error):
                self._complain((*key, *member), message)
            return None

    def _sections(self, name: str, section: type[_SectionT]) -> Iterator[_SectionT | None]:
        for index, table in enumerate(self._document[name]):
            yield self.section((name, index), section, table)

    def _names(self, array: str) -> list[str | None]:
        """Returns the names in an array's tables, even in those with other mistakes."""
        names = [table.get("name") for table in self._document[array]]
        return [name if isinstance(name, str) else None for name in names]

    def _check_shape(self, name: str) -> None:
        """Sees to it that a top-level name holds a table, or an array of tables."""
        empty: Any = {} if name in _TABLES else []
        value = self._document.setdefault(name, empty)
        if name in _TABLES:
            if not isinstance(value, dict):
                self._complain((name,), f"must be a table, is {toml_type(value)}; write [{name}]")
                self._document[name] = empty
        elif isinstance(value, dict) or not (
            isinstance(value, list) and all(isinstance(each, dict) for each in value)
        ):
            self._complain(
                (name,), f"must be an array of tables, is {toml_type(value)}; write [[{name}]]"
            )
            self._document[name] = empty

    def _apply(self, environment: Mapping[str, str]) -> None:
        """Puts the values of environment variables in the place of the file's."""
        overrides: dict[KeyPath, str] = dict(self._source.overrides)
        for name, (table, member) in ENVIRONMENT.items():
            if name in environment:
                text = environment[name]
                value = _TRUTH.get(text.lower(), text) if member == "insecure" else text
                self._document[table] = self._document[table] | {member: value}
                overrides[table, member] = name
        self._source = Source(self._source.path, self._source.lines, overrides)

    @property
    def _directory(self) -> Path:
        """The directory in which the file's relative paths start."""
        path = self._source.path
        return Path.cwd() if path is None else path.resolve().parent

    def _with_absolute_data_dir(self, server: ServerSection) -> ServerSection:
        from_file = ("server", "data_dir") not in self._source.overrides
        base = self._directory if from_file else Path.cwd()
        return server.model_copy(update={"data_dir": base / server.data_dir.expanduser()})

    def complain(self, found: Iterable[tuple[KeyPath, str]]) -> None:
        """Adds what a check of several tables has found."""
        self._found += found

    def _complain(self, key: KeyPath, message: str) -> None:
        self._found.append((key, message))

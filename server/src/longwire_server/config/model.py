"""The sections of a server's configuration.

Every class is one table of the TOML file; `deploy/longwire-server.toml` shows
them with comments. The classes check what one table alone can show; what takes
several tables is in :mod:`longwire_server.config.checks`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import platformdirs
from pydantic import (
    Field,
    InstanceOf,
    ValidationInfo,
    field_validator,
)

from longwire_server.config.address import is_loopback, split_address
from longwire_server.config.audit_section import AuditSection
from longwire_server.config.auth_section import AuthSection
from longwire_server.config.connections_section import ConnectionsSection
from longwire_server.config.http_section import HttpSection
from longwire_server.config.machine import available_processors
from longwire_server.config.payloads_url import checked_payloads_options, checked_payloads_url
from longwire_server.config.quotas_section import QuotasSection
from longwire_server.config.sandbox_section import SandboxSection
from longwire_server.config.section import Count, Section
from longwire_server.config.source import Source
from longwire_server.config.tenant_name import checked_tenant_name
from longwire_server.config.tls_section import TlsSection

DEFAULT_POOL: Final = "default"
MIB: Final = 1 << 20
# Least memory of a worker: Qiskit's and Aer's libraries and threads alone take
# 1.9 GB of address space, which is what the limit counts.
MIN_MEMORY_MB: Final = 3072

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.()-]{0,127}")
_IMPORT_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")

# What a store's URL may begin with, and the driver that it stands for.
_DATABASES: Final = {
    "sqlite": "sqlite",
    "postgresql": "postgresql+psycopg",
    "postgresql+psycopg": "postgresql+psycopg",
}


class ServerSection(Section):
    """``[server]``: where the server listens and where it keeps its data."""

    # Without it, and without TLS, only this machine may reach the server.
    insecure: bool = Field(default=False, examples=["false"])
    # HOST:PORT; port 0 takes a free one, IPv6 hosts stand in brackets.
    address: str = Field(default="localhost:50051", examples=["'localhost:50051'"])
    # Directory for the database and large payloads. `~` is expanded; a relative
    # path starts at the configuration file's directory.
    data_dir: Annotated[Path, Field(strict=False)] = Field(
        default_factory=lambda: platformdirs.user_data_path("longwire", appauthor=False),
        examples=["'/var/lib/longwire'"],
    )
    # How long running jobs may go on after SIGTERM, in seconds.
    drain_grace_seconds: float = Field(default=30.0, ge=0, examples=["30"])
    # How long the server, or a worker, may show no sign of life before an attempt
    # that it runs counts as lost, in seconds.
    lease_seconds: float = Field(default=30.0, ge=1, examples=["30"])
    # Whether every installed entry point of the group longwire.backends is
    # hosted. None: only where the file has no [[backend]].
    include_entry_points: bool | None = Field(default=None, examples=["true"])
    # Whether it tells tools such as grpcurl which calls there are.
    reflection: bool = Field(default=False, examples=["false"])
    # HOST:PORT of this machine alone, where gRPC tells of its connections and calls
    # (channelz). None: nowhere.
    channelz_address: str | None = Field(default=None, examples=["'localhost:50052'"])

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, address: str) -> str:
        split_address(address)
        return address

    @field_validator("channelz_address")
    @classmethod
    def _is_of_this_machine(cls, address: str | None) -> str | None:
        if address is not None and not is_loopback(split_address(address)[0]):
            raise ValueError(
                f"{address!r} can be reached from other machines, and channelz asks nobody who "
                "they are; write a loopback address such as 'localhost:50052'"
            )
        return address


class LimitsSection(Section):
    """``[limits]``: what the server takes and keeps."""

    # Largest program that a job may carry, in bytes.
    program_bytes: Count = Field(default=32 * MIB, examples=["33_554_432"])
    # Largest result that is kept, in bytes as encoded.
    result_bytes: Count = Field(default=1024 * MIB, examples=["1_073_741_824"])
    # Largest result that is sent with a job's last event, in bytes; larger ones
    # are fetched in chunks.
    inline_result_bytes: Count = Field(
        default_factory=lambda limits: min(MIB, limits.get("result_bytes", MIB)),
        examples=["1_048_576"],
    )
    # Results that one tenant may fetch in chunks at once, in bytes of all together;
    # more wait. One is always sent, however large.
    fetched_bytes: Count = Field(default=256 * MIB, examples=["268_435_456"])
    # Jobs that may wait at once, over all backends.
    queued_jobs: Count = Field(default=100_000, examples=["100_000"])
    # Jobs of all tenants that may be submitted in a second, on average over ten.
    jobs_per_second: float = Field(default=5000.0, gt=0, examples=["5000"])
    # Longest session, from when it has got its worker, in seconds.
    session_seconds: float = Field(default=900.0, gt=0, examples=["900"])
    # How long a session may have nothing to do before it is closed, in seconds.
    session_idle_seconds: float = Field(default=60.0, gt=0, examples=["60"])
    # Shots times classical bits, of all circuits of a job together.
    shot_bits: Count = Field(default=8 * 1024 * MIB, examples=["8_589_934_592"])
    # Instructions of all circuits of a job together, with those in blocks and in the
    # definitions of its own gates.
    instructions: Count = Field(default=10_000_000, examples=["10_000_000"])
    # How long a program that is named by its digest is kept after its last use.
    programs_kept_hours: float = Field(default=24.0, ge=0, examples=["24"])
    # Programs that are kept, in bytes of all together. Those that jobs still need
    # are kept above it.
    programs_bytes: Count = Field(default=1024 * MIB, examples=["1_073_741_824"])

    @property
    def request_bytes(self) -> int:
        """Largest message that the server receives: a program, and 1 MiB for all else."""
        return self.program_bytes + MIB

    @field_validator("inline_result_bytes")
    @classmethod
    def _not_above_results(cls, inline_result_bytes: int, info: ValidationInfo) -> int:
        result_bytes = info.data.get("result_bytes")
        if result_bytes is not None and inline_result_bytes > result_bytes:
            raise ValueError(
                f"{inline_result_bytes} is more than result_bytes ({result_bytes}); "
                "write at most that"
            )
        return inline_result_bytes


class StoreSection(Section):
    """``[store]``: the durable record of jobs."""

    # SQLAlchemy URL of SQLite or PostgreSQL; `{data_dir}` stands for
    # server.data_dir. It may hold a password: nothing shows it.
    url: str = Field(
        default="sqlite:///{data_dir}/longwire.db",
        repr=False,
        examples=["'sqlite:///{data_dir}/longwire.db'"],
    )
    # What a confirmed job survives: the end of the process, or of the machine's power.
    durability: Literal["process", "power"] = Field(default="process", examples=["'process'"])
    # Programs and results larger than this are not kept in the database but in files.
    file_above_bytes: int = Field(default=256 * 1024, ge=0, examples=["262_144"])
    # Where those files are: a directory, or a URL of fsspec's; `{data_dir}` stands
    # for server.data_dir.
    payloads_url: str = Field(default="{data_dir}/payloads", examples=["'{data_dir}/payloads'"])
    # Keyword arguments of fsspec's file system, such as an object store's
    # endpoint_url. They may hold secrets: nothing shows them.
    payloads_options: Mapping[str, Any] = Field(
        default_factory=dict,
        repr=False,
        examples=["{ endpoint_url = 'https://objects.example.org' }"],
    )

    @field_validator("url")
    @classmethod
    def _names_a_database(cls, url: str) -> str:
        database, separator, rest = url.partition("://")
        driver = _DATABASES.get(database) if separator else None
        if driver is None:
            raise ValueError(
                "names no database that jobs can be kept in; write "
                "'sqlite:///{data_dir}/longwire.db' or "
                "'postgresql+psycopg://USER@HOST/DATABASE'"
            )
        return f"{driver}://{rest}"

    @field_validator("payloads_url")
    @classmethod
    def _can_keep_payloads(cls, payloads_url: str) -> str:
        return checked_payloads_url(payloads_url)

    @field_validator("payloads_options")
    @classmethod
    def _are_for_an_object_store(
        cls, payloads_options: Mapping[str, Any], info: ValidationInfo
    ) -> Mapping[str, Any]:
        return checked_payloads_options(payloads_options, info.data.get("payloads_url"))


class RetentionSection(Section):
    """``[retention]``: how long jobs that have ended are kept. Unfinished ones always are."""

    # How long a job's result and program are kept after its end, in days.
    results_days: float = Field(default=30.0, gt=0, examples=["30"])
    # Results and programs of ended jobs that are kept, in bytes of all together.
    results_bytes: Count = Field(default=10 * 1024 * MIB, examples=["10_737_418_240"])
    # How long a job is kept after its end, in days.
    jobs_days: float = Field(
        default_factory=lambda retention: max(90.0, retention.get("results_days", 0.0)),
        gt=0,
        examples=["90"],
    )
    # Jobs that have ended that are kept.
    jobs: Count = Field(default=1_000_000, examples=["1_000_000"])

    @field_validator("jobs_days")
    @classmethod
    def _not_below_results(cls, jobs_days: float, info: ValidationInfo) -> float:
        results_days = info.data.get("results_days")
        if results_days is not None and jobs_days < results_days:
            raise ValueError(
                f"{jobs_days:g} is less than results_days ({results_days:g}), and a result goes "
                "with its job; write at least that"
            )
        return jobs_days


class PoolSection(SandboxSection):
    """``[[pool]]``: worker processes with the same limits."""

    # The name that backends refer to.
    name: str = Field(examples=["'default'"])
    # Number of worker processes.
    processes: Count = Field(default_factory=available_processors, examples=["4"])
    # Threads that each process may compute with.
    threads: Count = Field(default=1, examples=["1"])
    # Address space that each process may use, in MiB. None until the file is loaded,
    # which gives each process of every pool its share of 80 % of the memory.
    memory_limit_mb: Annotated[int, Field(ge=MIN_MEMORY_MB)] | None = Field(
        default=None, examples=["4096"]
    )
    # Longest wall time of one attempt at a job, in seconds.
    time_limit_seconds: float = Field(default=3600.0, gt=0, examples=["3600"])
    # Whether idle processes help with large jobs of others.
    split_jobs: bool = Field(default=True, examples=["true"])

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return _checked_name(name)


class BackendSection(Section):
    """``[[backend]]``: one hosted backend."""

    # The name under which clients find it.
    name: str = Field(examples=["'my_simulator'"])
    # Name of an installed entry point of the group longwire.backends. Where
    # neither this nor `factory` is given, the entry point has the backend's name.
    entry_point: str | None = Field(default=None, min_length=1, examples=["'aer_simulator'"])
    # Import path of a callable that returns the backend.
    factory: str | None = Field(default=None, examples=["'my_lab.backends:simulator'"])
    # Keyword arguments for that callable.
    arguments: Mapping[str, Any] = Field(default_factory=dict, examples=["{ n_qubits = 5 }"])
    # The pool whose workers run it.
    pool: str = Field(default=DEFAULT_POOL, examples=["'default'"])
    # Most shots of one job, where it is to differ from the backend's own limit.
    max_shots: Count | None = Field(default=None, examples=["100_000"])
    # What clients read about it, where it is to differ from the backend's own words.
    description: str | None = Field(default=None, examples=["'Simulator of the third floor'"])
    # How often its driver is asked again what it is, in seconds; 0 for never. None:
    # never for simulators and device models of Longwire, Qiskit and Aer, every 60 s
    # for others.
    refresh_seconds: float | None = Field(default=None, ge=0, examples=["60"])
    # How often a job is begun at most, where attempts are lost because a worker or
    # the server died. None: 3 for simulators and device models of Longwire, Qiskit
    # and Aer, 1 for others: a device must not run a program twice unasked.
    max_attempts: Count | None = Field(default=None, examples=["3"])
    # Longest wall time of one attempt at a job, in seconds, where it is to be
    # shorter than the pool's.
    time_limit_seconds: float | None = Field(default=None, gt=0, examples=["600"])
    # The tenants that may use it; nobody else sees it. None: all.
    tenants: Annotated[tuple[str, ...], Field(strict=False)] | None = Field(
        default=None, examples=["['physics', 'chemistry']"]
    )

    @field_validator("tenants")
    @classmethod
    def _are_tenants(cls, tenants: tuple[str, ...] | None) -> tuple[str, ...] | None:
        return tenants and tuple(map(checked_tenant_name, tenants))

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        return _checked_name(name)

    @field_validator("factory")
    @classmethod
    def _is_the_only_origin(cls, factory: str | None, info: ValidationInfo) -> str | None:
        if factory is None:
            return None
        if info.data.get("entry_point") is not None:
            raise ValueError("stands beside entry_point; write only one of the two")
        if not _IMPORT_PATH.fullmatch(factory):
            raise ValueError(f"{factory!r} is not an import path; write 'package.module:callable'")
        return factory

    @field_validator("arguments")
    @classmethod
    def _can_travel(cls, arguments: Mapping[str, Any]) -> Mapping[str, Any]:
        for name, value in arguments.items():
            if not _is_json(value):
                raise ValueError(
                    f"{name!r} holds a date or a time, which cannot be handed to a worker; "
                    "write it as text"
                )
        return arguments


class ServerConfig(Section):
    """A whole configuration, complete with defaults."""

    server: ServerSection = Field(default_factory=ServerSection)
    limits: LimitsSection = Field(default_factory=LimitsSection)
    store: StoreSection = Field(default_factory=StoreSection)
    retention: RetentionSection = Field(default_factory=RetentionSection)
    tls: TlsSection = Field(default_factory=TlsSection)
    connections: ConnectionsSection = Field(default_factory=ConnectionsSection)
    auth: AuthSection = Field(default_factory=AuthSection)
    quotas: QuotasSection = Field(default_factory=QuotasSection)
    audit: AuditSection = Field(default_factory=AuditSection)
    http: HttpSection = Field(default_factory=HttpSection)
    # Every pool that some backend may use, with no value left open.
    pools: tuple[PoolSection, ...] = ()
    backends: tuple[BackendSection, ...] = ()
    # Where it was read from, for the places in later complaints.
    source: InstanceOf[Source] = Field(default_factory=Source, repr=False, exclude=True)

    @property
    def store_url(self) -> str:
        """The store's URL with the data directory put in."""
        return self.store.url.replace("{data_dir}", str(self.server.data_dir))

    @property
    def payloads_url(self) -> str:
        """The URL of large payloads with the data directory put in."""
        return self.store.payloads_url.replace("{data_dir}", str(self.server.data_dir))

    @property
    def store_is_embedded(self) -> bool:
        """Whether the store is a file, which the lock of the data directory guards."""
        return self.store.url.startswith("sqlite:")

    @property
    def auth_required(self) -> bool:
        """Whether every caller must show who it is."""
        chosen = self.auth.required
        return self.tls.is_on or self.auth.is_set_up if chosen is None else chosen

    @property
    def audit_file(self) -> Path | None:
        """Where it is recorded who did what; None where it is not."""
        chosen = self.audit.enabled
        if chosen is None:
            chosen = self.audit.file is not None or self.auth_required
        return (self.audit.file or self.server.data_dir / "audit.jsonl") if chosen else None

    @property
    def includes_entry_points(self) -> bool:
        """Whether installed entry points are hosted beside what the file names."""
        chosen = self.server.include_entry_points
        return not self.backends if chosen is None else chosen

    def pool(self, name: str) -> PoolSection:
        """Returns the pool of this name.

        Raises:
            KeyError: there is none.
        """
        for pool in self.pools:
            if pool.name == name:
                return pool
        raise KeyError(name)


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} cannot be a name; write at most 128 letters, digits and _ - . ( ), "
            "the first a letter, a digit or _"
        )
    return name


def _is_json(value: object) -> bool:
    match value:
        case dict():
            return all(_is_json(member) for member in value.values())
        case list():
            return all(_is_json(member) for member in value)
        case _:
            return isinstance(value, str | int | float | bool)

"""What only several tables of a configuration together can show to be wrong."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from longwire_server.config.address import is_loopback, split_address
from longwire_server.config.auth_section import AuthSection
from longwire_server.config.http_section import HttpSection
from longwire_server.config.lines import Path as KeyPath
from longwire_server.config.model import (
    DEFAULT_POOL,
    MIN_MEMORY_MB,
    BackendSection,
    PoolSection,
    ServerSection,
)
from longwire_server.config.problems import did_you_mean, hint_or
from longwire_server.config.source import Source
from longwire_server.config.tls_section import TlsSection


def duplicate_names(
    table: str, names: Sequence[str | None], source: Source
) -> Iterator[tuple[KeyPath, str]]:
    """Yields a complaint for every name that an earlier table of the array has.

    Args:
        table: the array's name, ``pool`` or ``backend``.
        names: the name in each of its tables; None where that is itself wrong.
        source: gives the place of the earlier one.
    """
    first: dict[str, int] = {}
    for index, name in enumerate(names):
        if name is None:
            continue
        if name in first:
            earlier = source.place((table, first[name], "name"))
            yield (
                (table, index, "name"),
                f"{name!r} is the name of another [[{table}]], at {earlier}; "
                "write a name of its own",
            )
        first.setdefault(name, index)


def unknown_pools(
    backends: Sequence[BackendSection | None], pool_names: Sequence[str | None]
) -> Iterator[tuple[KeyPath, str]]:
    """Yields a complaint for every backend whose pool is not defined.

    Args:
        backends: the backends; None for one that is itself wrong.
        pool_names: the name in each ``[[pool]]``; None where that is itself wrong.
    """
    defined = {DEFAULT_POOL, *(name for name in pool_names if name is not None)}
    for index, backend in enumerate(backends):
        if backend is not None and backend.pool not in defined:
            hint = did_you_mean(backend.pool, sorted(defined))
            yield (
                ("backend", index, "pool"),
                f"there is no pool {backend.pool!r}; "
                f"{hint_or(hint, 'add a [[pool]] of this name')}",
            )


def exposed_address(server: ServerSection, tls: TlsSection) -> Iterator[tuple[KeyPath, str]]:
    """Yields a complaint where other machines can reach a server that has no TLS."""
    host, _ = split_address(server.address)
    if not (tls.is_on or server.insecure or is_loopback(host)):
        yield (
            ("server", "address"),
            f"{server.address!r} can be reached from other machines, and without TLS anybody on "
            "the way can read and change what is sent; give the server a certificate in [tls] "
            "(longwire-server init makes a configuration with one), or write a loopback address "
            "such as 'localhost:50051', or insecure = true where the network itself is trusted",
        )


def exposed_http(
    http: HttpSection, server: ServerSection, tls: TlsSection
) -> Iterator[tuple[KeyPath, str]]:
    """Yields a complaint where other machines can reach HTTP without TLS."""
    if http.address is None or tls.is_on or server.insecure:
        return
    if not is_loopback(split_address(http.address)[0]):
        yield (
            ("http", "address"),
            f"{http.address!r} can be reached from other machines, and without TLS anybody on the "
            "way can read and change what is sent; give the server a certificate in [tls], or "
            "write a loopback address such as 'localhost:8080', or insecure = true in [server] "
            "where the network itself is trusted",
        )


def certificates_nobody_shows(auth: AuthSection, tls: TlsSection) -> Iterator[tuple[KeyPath, str]]:
    """Yields a complaint where client certificates are named and the server asks for none."""
    if auth.certificate and tls.client_ca is None:
        yield (
            ("auth", "certificate"),
            "names client certificates, which the server does not ask for; write client_ca, the "
            "authority that signs them, in [tls]",
        )


def complete_pools(
    declared: Sequence[PoolSection],
    backends: Sequence[BackendSection],
    *,
    include_entry_points: bool,
    memory_mb: int,
) -> tuple[PoolSection, ...]:
    """Adds the pool ``default`` where it is needed, and gives every process its memory.

    Args:
        declared: the pools of the file.
        backends: the backends of the file.
        include_entry_points: whether backends that the file does not name are
            hosted too; they run in the pool ``default``.
        memory_mb: the memory to be shared, in MiB.

    Returns:
        The pools, none with an open limit. Processes without a limit of their
        own get equal shares of 80 % of the memory, the rest being for the server
        and the system, but not less than a worker needs to start.
    """
    pools = list(declared)
    needs_default = include_entry_points or any(each.pool == DEFAULT_POOL for each in backends)
    if needs_default and all(pool.name != DEFAULT_POOL for pool in pools):
        pools.append(PoolSection(name=DEFAULT_POOL))
    share_mb = max(
        MIN_MEMORY_MB, memory_mb * 8 // 10 // max(1, sum(pool.processes for pool in pools))
    )
    return tuple(
        pool.model_copy(update={"memory_limit_mb": pool.memory_limit_mb or share_mb})
        for pool in pools
    )

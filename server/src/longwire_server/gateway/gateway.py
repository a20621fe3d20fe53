"""The Envoy in front of a server: found, started, watched, given new certificates, ended."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import logging
import os
import shutil
import socket
import sys
import tempfile
from pathlib import Path
from typing import Final

from longwire_server.config.address import split_address
from longwire_server.config.http_section import NoEnvoyError, find_envoy
from longwire_server.config.model import ServerConfig
from longwire_server.config.tls_files import (
    TlsFiles,
    TlsFilesError,
    checked_tls_files,
    read_tls_files,
)
from longwire_server.gateway.envoy_config import (
    authorities_secret,
    certificate_secret,
    envoy_config,
)

_logger = logging.getLogger(__name__)

# Generous: other work may load the machine.
_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 5.0
_LOOK_SECONDS: Final = 0.05
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
# A changed certificate is found within this time.
_CERTIFICATE_SECONDS: Final = 10.0
# Names of sockets are no longer than this (108 bytes on Linux, 104 elsewhere).
_SOCKET_BYTES: Final = 100
_ELSEWHERE_PREFIX: Final = "longwire-http-"


class GatewayError(Exception):
    """There can be no HTTP; the message says why and what to do."""


class Gateway:
    """JSON over HTTP and gRPC-Web, spoken by an Envoy that hands on calls as gRPC.

    Args:
        config: the server's, with an address in ``[http]``.
    """

    def __init__(self, config: ServerConfig) -> None:
        self._config = config
        try:
            self._envoy = find_envoy(config.http)
        except NoEnvoyError as error:
            raise GatewayError(f"http.envoy: {error}") from error
        folder = config.server.data_dir / "http"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Also where somebody has made it before: a private key will be in it.
        folder.chmod(0o700)
        self._config_file = folder / "envoy.json"
        self._secret_file = folder / "certificate.json"
        self._authorities_file = folder / "client_ca.json"
        self._socket = folder / "server.sock"
        # Leads to where the socket is instead, if its own name is too long.
        self._elsewhere = folder / "elsewhere"
        self._process: asyncio.subprocess.Process | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._files: TlsFiles | None = None

    def make_way(self) -> Path:
        """Where the server has to listen for Envoy; what a killed one has left there is gone.

        For who has the lock of the data directory.

        Raises:
            GatewayError: the names of all directories for it are too long.
        """
        self._clear_way()
        if len(os.fsencode(self._socket)) > _SOCKET_BYTES:
            made = Path(tempfile.mkdtemp(prefix=_ELSEWHERE_PREFIX))
            self._elsewhere.symlink_to(made)
            self._socket = made / "server.sock"
        if len(os.fsencode(self._socket)) > _SOCKET_BYTES:
            self._clear_way()
            raise GatewayError(
                f"{self._socket} is too long a name for the socket that HTTP takes, and so is one "
                "in server.data_dir: write a shorter server.data_dir, or set TMPDIR to a shorter "
                "one"
            )
        return self._socket

    def _clear_way(self) -> None:
        self._socket.unlink(missing_ok=True)
        if self._elsewhere.is_symlink():
            made = self._elsewhere.readlink()
            # Whoever wrote the link: nothing else is to be removed.
            if made.name.startswith(_ELSEWHERE_PREFIX):
                shutil.rmtree(made, ignore_errors=True)
            self._elsewhere.unlink()

    async def start(self, stopping: asyncio.Event) -> str:
        """Starts Envoy, and returns the address once it answers.

        Args:
            stopping: once it is set, Envoy is waited for no longer.

        Raises:
            GatewayError: the address is taken or not this machine's, or Envoy does not start.
            ConfigError: the files of ``[tls]`` cannot be used.
        """
        assert self._config.http.address is not None
        host, port = _free_address(self._config.http.address)
        self._files = checked_tls_files(self._config)
        if self._files is not None:
            self._write_secrets(self._files)
        made = envoy_config(
            self._config,
            host,
            port,
            self._socket,
            secret_file=self._secret_file,
            authorities_file=self._authorities_file,
        )
        _write_private(self._config_file, json.dumps(made))
        await self._start_envoy()
        await self._until_listening(host, port, stopping)
        self._tasks.append(asyncio.create_task(self._keep()))
        if self._files is not None:
            self._tasks.append(asyncio.create_task(self._renew_certificates()))
        scheme = "http" if self._files is None else "https"
        shown = split_address(self._config.http.address)[0]
        return f"{scheme}://{f'[{shown}]' if ':' in shown else shown}:{port}"

    async def stop(self) -> None:
        """Ends Envoy, which by then has nothing to hand on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        process = self._process
        if process is not None and process.returncode is None:
            process.terminate()
            try:
                await asyncio.wait_for(process.wait(), _STOP_SECONDS)
            except TimeoutError:
                process.kill()
                await process.wait()
        self._clear_way()

    async def _start_envoy(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "longwire_server.gateway.launch",
            str(os.getpid()),
            str(self._envoy),
            "--config-path",
            str(self._config_file),
            "--disable-hot-restart",
            "--concurrency",
            "1",
            "--log-level",
            "warning",
            "--log-format",
            "envoy: %l: %v",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            # Ctrl-C in a terminal is for the server alone: it ends Envoy once it has drained.
            start_new_session=True,
        )

    async def _until_listening(self, host: str, port: int, stopping: asyncio.Event) -> None:
        assert self._process is not None
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_START_SECONDS):
                while self._process.returncode is None:
                    if stopping.is_set():
                        return
                    try:
                        _, writer = await asyncio.open_connection(_reachable(host), port)
                    except OSError:
                        await asyncio.sleep(_LOOK_SECONDS)
                        continue
                    writer.close()
                    return
        code = self._process.returncode
        if code is None:
            self._process.kill()
            await self._process.wait()
        what = "did not answer in time" if code is None else f"ended with exit code {code}"
        raise GatewayError(
            f"{self._envoy} {what}; what it says is above. Give http.envoy an Envoy of version "
            "1.36 or newer, or leave [http] out"
        )

    async def _keep(self) -> None:
        """Starts Envoy again whenever it has ended."""
        pause_seconds = _FIRST_PAUSE_SECONDS
        loop = asyncio.get_running_loop()
        while True:
            assert self._process is not None
            began = loop.time()
            code = await self._process.wait()
            if loop.time() - began > _LONGEST_PAUSE_SECONDS:
                pause_seconds = _FIRST_PAUSE_SECONDS
            _logger.error(
                "Envoy ended with exit code %d: HTTP is back in about %g s", code, pause_seconds
            )
            await asyncio.sleep(pause_seconds)
            pause_seconds = min(2 * pause_seconds, _LONGEST_PAUSE_SECONDS)
            try:
                await self._start_envoy()
            except OSError as error:
                _logger.error("Envoy cannot be started: %s", error)

    async def _renew_certificates(self) -> None:
        """Hands changed certificates to Envoy. That they cannot be used, gRPC's port tells."""
        is_told = False
        while True:
            await asyncio.sleep(_CERTIFICATE_SECONDS)
            try:
                files = await asyncio.to_thread(read_tls_files, self._config.tls)
                if files == self._files:
                    continue
                self._write_secrets(files)
            except TlsFilesError:
                continue
            except OSError as error:
                if not is_told:
                    _logger.error("a new certificate cannot be handed to Envoy yet: %s", error)
                is_told = True
                continue
            self._files = files
            is_told = False
            _logger.info("a new certificate is in use for HTTP")

    def _write_secrets(self, files: TlsFiles) -> None:
        if files.client_ca is not None:
            _write_private(self._authorities_file, json.dumps(authorities_secret(files.client_ca)))
        _write_private(
            self._secret_file, json.dumps(certificate_secret(files.certificate, files.key))
        )


def _free_address(address: str) -> tuple[str, int]:
    """The numerical host and the port, once it is seen that they can be had."""
    host, port = split_address(address)
    # As Envoy does not know names.
    host = "127.0.0.1" if host.lower() == "localhost" else host
    try:
        [(family, kind, protocol, _, place), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(place)
            found = probe.getsockname()
    except OSError as error:
        raise GatewayError(
            f"cannot listen on {address} for HTTP ({error.strerror}): the port is taken, or the "
            "host is not this machine's; choose another http.address"
        ) from error
    return found[0], found[1]


def _reachable(host: str) -> str:
    """Where to connect to somebody who listens on a numerical host."""
    address = ipaddress.ip_address(host)
    if not address.is_unspecified:
        return host
    return "127.0.0.1" if address.version == 4 else "::1"


def _write_private(path: Path, text: str) -> None:
    """Writes a file that only this user reads, in the place of what is there."""
    made = path.with_suffix(".new")
    made.unlink(missing_ok=True)
    with os.fdopen(os.open(made, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
    made.replace(path)

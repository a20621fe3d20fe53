"""The section ``[http]`` of the configuration."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator

from longwire_server.config.address import split_address
from longwire_server.config.section import Section

_ORIGIN = re.compile(r"https?://[^\s/?#*]+")


class HttpSection(Section):
    """``[http]``: the same calls as JSON over HTTP, and for browsers. Off by default."""

    # HOST:PORT; port 0 takes a free one. None: there is no HTTP.
    address: str | None = Field(default=None, examples=["'localhost:8080'"])
    # The origins of web pages whose scripts may call. "*" stands for all.
    allowed_origins: Annotated[tuple[str, ...], Field(strict=False)] = Field(
        default=(), examples=["['https://lab.example.org']"]
    )
    # The program Envoy. None: the one beside this Python, or else on the PATH.
    envoy: Annotated[Path | None, Field(strict=False)] = Field(
        default=None, examples=["'/usr/bin/envoy'"]
    )

    @field_validator("address")
    @classmethod
    def _is_an_address(cls, address: str | None) -> str | None:
        if address is not None:
            split_address(address)
        return address

    @field_validator("allowed_origins")
    @classmethod
    def _are_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        for origin in origins:
            if origin != "*" and not _ORIGIN.fullmatch(origin):
                raise ValueError(
                    f"{origin!r} is not an origin; write scheme and host of a page, with its port "
                    "if it has one and nothing behind, such as 'https://lab.example.org', or '*'"
                )
        return origins

    def beside(self, directory: Path) -> HttpSection:
        """Returns the section with its path made absolute, a relative one in a directory."""
        return self.model_copy(update={"envoy": self.envoy and directory / self.envoy.expanduser()})


class NoEnvoyError(Exception):
    """There is no Envoy; the message says where it was looked for and what to do."""


def find_envoy(http: HttpSection) -> Path:
    """The program Envoy.

    Raises:
        NoEnvoyError: there is none.
    """
    if http.envoy is not None:
        if os.access(http.envoy, os.X_OK):
            return http.envoy
        raise NoEnvoyError(f"{http.envoy} is no program that can be run")
    beside = Path(sys.executable).with_name("envoy")
    found = str(beside) if os.access(beside, os.X_OK) else shutil.which("envoy")
    if found is None:
        raise NoEnvoyError(
            "there is no Envoy beside this Python or on the PATH: pip install "
            "'longwire-server[http]' brings one, or write the path of yours"
        )
    return Path(found)

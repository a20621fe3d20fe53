"""The public keys of an OpenID Connect issuer: from a file, or fetched from a URL."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import urllib.error
import urllib.request
from http.client import HTTPException, HTTPMessage
from pathlib import Path
from typing import IO, Any, Final, Protocol

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_pem_public_key

_logger = logging.getLogger(__name__)

_TIMEOUT_SECONDS: Final = 5.0
_MAX_BYTES: Final = 1 << 20
# A key that the issuer withdraws is good here for so long.
_RENEW_EVERY_SECONDS: Final = 3600.0
# A token with an unknown key has the keys fetched anew, at most so often.
_FETCH_EVERY_SECONDS: Final = 10.0
_PEM_BEGIN: Final = "-----BEGIN PUBLIC KEY-----"


class KeysUnavailableError(Exception):
    """The issuer's keys cannot be read."""


class IssuerKeys(Protocol):
    """Keys by their ids.

    Attributes:
        generation: another number whenever the keys have changed.
    """

    generation: int

    def candidates(self, key_id: str | None) -> list[Any]:
        """The keys with which a token may be signed that names a key, or none."""

    def look_again(self) -> None:
        """Begins to look for newer keys, where the last look was long ago."""

    async def renew(self) -> bool:
        """Looks for newer keys, where that is possible and was not done a moment ago.

        Returns:
            Whether there may be others now.

        Raises:
            KeysUnavailableError: there are none yet, and none could be read.
        """


class FileKeys:
    """Keys in a file: a JSON Web Key Set, or public keys in PEM.

    Args:
        path: the file.

    Raises:
        KeysUnavailableError: it cannot be read; the message says why.
    """

    def __init__(self, path: Path) -> None:
        self.generation = 0
        try:
            text = path.read_text(encoding="utf-8")
            self._keys = _keys_in_pem(text) if _PEM_BEGIN in text else _keys_in_set(text)
        except (OSError, ValueError, UnsupportedAlgorithm, jwt.PyJWTError) as error:
            raise KeysUnavailableError(f"{path} holds no public keys: {error}") from error

    def candidates(self, key_id: str | None) -> list[Any]:
        """See :meth:`IssuerKeys.candidates`."""
        return _candidates(self._keys, key_id)

    def look_again(self) -> None:
        """The file is read once."""

    async def renew(self) -> bool:
        """The file is read once: another one takes a restart."""
        return False


class UrlKeys:
    """Keys at a URL, fetched in a thread when they are first needed, and again at times.

    Args:
        url: of a JSON Web Key Set.
    """

    def __init__(self, url: str) -> None:
        self.generation = 0
        self._url = url
        self._keys: list[tuple[str | None, Any]] = []
        self._fetched_at: float | None = None
        self._tried_at: float | None = None
        self._fetch: asyncio.Task[None] | None = None

    def candidates(self, key_id: str | None) -> list[Any]:
        """See :meth:`IssuerKeys.candidates`."""
        return _candidates(self._keys, key_id)

    def look_again(self) -> None:
        """See :meth:`IssuerKeys.look_again`."""
        now = time.monotonic()
        if self._fetched_at is not None and now - self._fetched_at > _RENEW_EVERY_SECONDS:
            self._begin_fetch(now)

    async def renew(self) -> bool:
        """See :meth:`IssuerKeys.renew`."""
        fetch = self._begin_fetch(time.monotonic())
        if fetch is not None:
            await asyncio.shield(fetch)
        if self._fetched_at is None:
            raise KeysUnavailableError("the issuer's keys could not be fetched")
        return fetch is not None

    def _begin_fetch(self, now: float) -> asyncio.Task[None] | None:
        """The fetch under way, or a new one; None where the last was a moment ago."""
        if self._fetch is None or self._fetch.done():
            if self._tried_at is not None and now - self._tried_at < _FETCH_EVERY_SECONDS:
                return None
            self._tried_at = now
            self._fetch = asyncio.create_task(self._fetch_keys())
        return self._fetch

    async def _fetch_keys(self) -> None:
        try:
            keys = await asyncio.to_thread(_fetch, self._url)
        except (OSError, HTTPException, ValueError, jwt.PyJWTError) as error:
            _logger.warning("the issuer's keys cannot be fetched from %s: %s", self._url, error)
            return
        self._keys = keys
        self._fetched_at = time.monotonic()
        self.generation += 1


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Stays at the URL that the operator wrote."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,  # noqa: ARG002 - urllib's
        headers: HTTPMessage,
        newurl: str,
    ) -> None:
        raise urllib.error.HTTPError(
            req.full_url, code, f"leads to {newurl}; write that as keys_url", headers, fp
        )


def _fetch(url: str) -> list[tuple[str | None, Any]]:
    opener = urllib.request.build_opener(_NoRedirects)
    with opener.open(url, timeout=_TIMEOUT_SECONDS) as response:
        text = response.read(_MAX_BYTES + 1)
    if len(text) > _MAX_BYTES:
        raise ValueError(f"the key set has more than {_MAX_BYTES} bytes")
    return _keys_in_set(text)


def _keys_in_set(text: str | bytes) -> list[tuple[str | None, Any]]:
    """Keys and their ids. Those for other purposes, and of unknown kinds, are left out."""
    document = json.loads(text)
    if not isinstance(document, dict):
        raise ValueError("it is no JSON Web Key Set")
    return [
        (key.key_id, key.key)
        for key in jwt.PyJWKSet.from_dict(document)
        if key.public_key_use in (None, "sig") and key.key_type != "oct"
    ]


def _keys_in_pem(text: str) -> list[tuple[str | None, Any]]:
    blocks = [_PEM_BEGIN + rest for rest in text.split(_PEM_BEGIN)[1:]]
    return [(None, load_pem_public_key(block.encode())) for block in blocks]


def _candidates(keys: list[tuple[str | None, Any]], key_id: str | None) -> list[Any]:
    """A key without an id fits every token, and a token without one every key."""
    return [key for each, key in keys if key_id is None or each is None or each == key_id]

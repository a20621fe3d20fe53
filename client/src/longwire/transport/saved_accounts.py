"""The accounts that ``longwire login`` saved, in a file that only the user can read."""

from __future__ import annotations

import json
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

DIRECTORY_VARIABLE = "LONGWIRE_CONFIG_DIR"
_FILE_NAME = "accounts.json"
_VERSION = 1


@dataclass(frozen=True)
class SavedAccount:
    """How to reach one server, and as whom.

    Attributes:
        address: the server's, ``HOST:PORT``.
        token: the API token, or a JWT; empty where a client certificate does without one.
        ca: the certificate of the server's authority, PEM; empty for public ones.
        certificate: the path of the client's certificate, PEM; empty for none.
        key: the path of its private key.
        tls: whether the server speaks TLS.
    """

    address: str
    token: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)
    certificate: str = ""
    key: str = ""
    tls: bool = False


@dataclass(frozen=True)
class SavedAccounts:
    """All accounts of this user.

    Attributes:
        accounts: by address.
        default_address: the one that is taken where no address is given; None where
            there is no account.
    """

    accounts: Mapping[str, SavedAccount] = field(default_factory=dict)
    default_address: str | None = None

    @property
    def default(self) -> SavedAccount | None:
        """The account that is taken where no address is given."""
        return None if self.default_address is None else self.accounts.get(self.default_address)

    def of(self, address: str) -> SavedAccount | None:
        """The account for an address; None where there is none."""
        return self.accounts.get(address.lower())

    def with_account(self, account: SavedAccount) -> SavedAccounts:
        """These and one more, which is the default from then on."""
        key = account.address.lower()
        return SavedAccounts({**self.accounts, key: account}, key)

    def without(self, address: str) -> SavedAccounts:
        """All but one; where it was the default, the one saved last takes its place."""
        kept = {key: each for key, each in self.accounts.items() if key != address.lower()}
        default = self.default_address
        return SavedAccounts(kept, default if default in kept else next(reversed(kept), None))


def accounts_path() -> Path:
    """The file: in LONGWIRE_CONFIG_DIR, or else ``longwire/`` of the user's configuration."""
    chosen = os.environ.get(DIRECTORY_VARIABLE)
    if chosen:
        return Path(chosen).expanduser() / _FILE_NAME
    if os.name == "nt":
        base = os.environ.get("APPDATA") or Path.home() / "AppData" / "Roaming"
    else:
        base = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(base) / "longwire" / _FILE_NAME


def read_accounts() -> SavedAccounts:
    """The accounts of this user; none where nothing was saved.

    Raises:
        InvalidArgumentError: the file cannot be read, or others can read it, too. A
            warning would be overlooked where a token is in the open, so this is
            refused, as OpenSSH does it with keys.
    """
    path = accounts_path()
    try:
        with path.open(encoding="utf-8") as file:
            mode = os.fstat(file.fileno()).st_mode
            if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
                _refuse(
                    f"{path} holds tokens, and others on this machine can read it: chmod 600 it, "
                    "and have tokens revoked that somebody may have seen"
                )
            document = json.load(file)
    except FileNotFoundError:
        return SavedAccounts()
    except OSError as error:
        _refuse(f"{path} cannot be read: {error.strerror}")
    except ValueError:
        _refuse(f"{path} is damaged: remove it, and log in again (longwire login)")
    return _accounts_of(document, path)


def write_accounts(saved: SavedAccounts) -> Path:
    """Writes the accounts in place of those that were there; returns the file.

    The file has mode 0600 from its first byte on, and is replaced as a whole.

    Raises:
        OSError: it cannot be written.
    """
    path = accounts_path()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    document = {
        "version": _VERSION,
        "default": saved.default_address,
        "accounts": {
            key: {name: value for name, value in vars(account).items() if value}
            for key, account in saved.accounts.items()
        },
    }
    written = path.with_name(f".{_FILE_NAME}.{secrets.token_hex(4)}")
    descriptor = os.open(written, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(document, file, indent=2)
            file.flush()
            os.fsync(file.fileno())
        written.replace(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    return path


def _accounts_of(document: Any, path: Path) -> SavedAccounts:
    if isinstance(document, dict) and document.get("version") != _VERSION:
        _refuse(f"{path} was written by another version of longwire: use that, or log in again")
    try:
        accounts = {
            str(key): SavedAccount(**members) for key, members in document["accounts"].items()
        }
        return SavedAccounts(accounts, document["default"])
    except (KeyError, TypeError, AttributeError):
        _refuse(f"{path} is damaged: remove it, and log in again (longwire login)")


def _refuse(message: str) -> NoReturn:
    from longwire.errors import InvalidArgumentError

    # Without what was raised before: it may quote the file.
    raise InvalidArgumentError(message) from None

"""The file of saved accounts: who can read it, and which is the default."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from longwire.errors import InvalidArgumentError
from longwire.transport.saved_accounts import (
    SavedAccount,
    SavedAccounts,
    accounts_path,
    read_accounts,
    write_accounts,
)

LAB = SavedAccount("lab.example.org:50051", "lw_secret", "pem", "/c.pem", "/c.key", tls=True)
HERE = SavedAccount("localhost:50051")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of the test's own, which is not there yet."""
    monkeypatch.setenv("LONGWIRE_CONFIG_DIR", str(tmp_path / "config" / "longwire"))
    return tmp_path / "config" / "longwire"


def test_accounts_come_back_as_they_were_saved() -> None:
    assert read_accounts() == SavedAccounts()
    saved = SavedAccounts().with_account(LAB).with_account(HERE)
    write_accounts(saved)
    assert read_accounts() == saved
    assert saved.default == HERE
    assert saved.of("LAB.example.org:50051") == LAB
    assert saved.of("lab.example.org:50052") is None


def test_accounts_file_is_its_users_alone(folder: Path) -> None:
    path = write_accounts(SavedAccounts().with_account(LAB))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert list(folder.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_accounts_file_that_others_can_read_is_refused(mode: int) -> None:
    path = write_accounts(SavedAccounts().with_account(LAB))
    path.chmod(mode)
    with pytest.raises(InvalidArgumentError, match="chmod 600") as caught:
        read_accounts()
    assert "lw_secret" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", '{"version": 1}', '{"version": 1, "default": "a", "accounts": {"a": 3}}'],
)
def test_accounts_file_that_is_damaged_is_refused(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    path = accounts_path()
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(InvalidArgumentError, match="is damaged"):
        read_accounts()


def test_account_removed_leaves_the_one_saved_last_as_the_default() -> None:
    saved = SavedAccounts().with_account(LAB).with_account(HERE)
    assert saved.without(HERE.address).default == LAB
    assert saved.without(LAB.address).default == HERE
    assert saved.without(LAB.address).without(HERE.address) == SavedAccounts()


def test_account_shows_no_secret() -> None:
    assert "lw_secret" not in repr(SavedAccounts().with_account(LAB))

"""Credentials: where they come from, when TLS is used, and that none is shown."""

from __future__ import annotations

import base64
import copy
import pickle
from pathlib import Path

import pytest
from certificates import Authority

from longwire import RemoteProvider, RemoteService
from longwire.errors import AuthenticationError, InvalidArgumentError
from longwire.transport.connection import Connection
from longwire.transport.credentials import (
    Credentials,
    GivenCredentials,
    read_authority,
    resolve_credentials,
)
from longwire.transport.saved_accounts import SavedAccount, SavedAccounts, write_accounts

AUTHORITY = Authority()
LAB, HERE = "lab.example.org:50051", "localhost:50051"
TOKEN = "lw_0123456789abcdef_" + 43 * "s"
SAVED = SavedAccount(LAB, "lw_saved", AUTHORITY.pem.decode(), tls=True)


@pytest.fixture(autouse=True)
def clean(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No variables, and no accounts but those of the test."""
    for name in ("ADDRESS", "TOKEN", "CA", "CERTIFICATE", "KEY"):
        monkeypatch.delenv(f"LONGWIRE_{name}", raising=False)
    monkeypatch.setenv("LONGWIRE_CONFIG_DIR", str(tmp_path / "config"))


def resolved(address: str = LAB, **given: object) -> Credentials:
    return resolve_credentials(address, GivenCredentials(**given))  # type: ignore[arg-type]


def test_token_of_the_argument_wins_over_variable_and_account(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert resolved().token == ""
    write_accounts(SavedAccounts().with_account(SAVED))
    assert resolved().token == "lw_saved"
    monkeypatch.setenv("LONGWIRE_TOKEN", " lw_variable\n")
    assert resolved().token == "lw_variable"
    assert resolved(token="lw_argument").token == "lw_argument"
    assert resolved(token="").token == ""


def test_account_is_for_its_own_address_only() -> None:
    write_accounts(SavedAccounts().with_account(SAVED))
    assert resolved(LAB).ca == AUTHORITY.pem
    assert resolved("LAB.Example.org:50051").tls
    assert resolved("lab.example.org:50052") == Credentials()
    assert resolved(HERE) == Credentials()


def test_default_account_is_taken_without_any_address(monkeypatch: pytest.MonkeyPatch) -> None:
    write_accounts(SavedAccounts().with_account(SAVED))
    assert Connection().address == LAB
    assert Connection().credentials.token == "lw_saved"
    monkeypatch.setenv("LONGWIRE_ADDRESS", HERE)
    assert Connection().address == HERE


def test_variables_name_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    certificate, key = AUTHORITY.issue(name="ada").write(tmp_path, "ada")
    monkeypatch.setenv("LONGWIRE_CA", str(AUTHORITY.write(tmp_path / "ca.pem")))
    monkeypatch.setenv("LONGWIRE_CERTIFICATE", str(certificate))
    monkeypatch.setenv("LONGWIRE_KEY", str(key))
    expected = Credentials(tls=True, ca=AUTHORITY.pem, certificate=str(certificate), key=str(key))
    assert resolved(HERE) == expected


@pytest.mark.parametrize(
    ("address", "given", "tls"),
    [
        (HERE, {}, False),
        (LAB, {}, False),
        (HERE, {"token": TOKEN}, False),
        ("127.0.0.1:1", {"token": TOKEN}, False),
        ("[::1]:1", {"token": TOKEN}, False),
        (LAB, {"token": TOKEN}, True),
        ("localhost.example.org:1", {"token": TOKEN}, True),
        ("[2001:db8::1]:1", {"token": TOKEN}, True),
        (HERE, {"tls": True}, True),
        (HERE, {"ca": AUTHORITY.pem.decode()}, True),
    ],
    ids=lambda value: str(value)[:24] if isinstance(value, str) else None,
)
def test_tls_is_used_where_something_needs_it(
    address: str, given: dict[str, object], tls: bool
) -> None:
    assert resolved(address, **given).tls is tls


def test_token_is_never_sent_in_plain_text_to_another_machine() -> None:
    with pytest.raises(InvalidArgumentError, match="not sent in plain text") as caught:
        RemoteService(LAB, token=TOKEN, tls=False)
    assert TOKEN not in str(caught.value)
    assert not resolved(HERE, token=TOKEN, tls=False).tls


@pytest.mark.parametrize("form", ["base64", "pem", "path"])
def test_authority_is_read_in_every_form(tmp_path: Path, form: str) -> None:
    forms = {
        "base64": base64.b64encode(AUTHORITY.der).decode(),
        "path": str(AUTHORITY.write(tmp_path / "ca.pem")),
        "pem": AUTHORITY.pem.decode(),
    }
    assert read_authority(forms[form]).split() == AUTHORITY.pem.split()


@pytest.mark.parametrize(
    ("ca", "message"),
    [
        ("/nowhere/ca.pem", "No such file"),
        (base64.b64encode(AUTHORITY.der).decode()[:-90], "cannot be read|not base64"),
        ("-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n", "cannot be read"),
        (__file__, "cannot be read"),
    ],
    ids=["missing", "cut", "empty", "no_certificate"],
)
def test_authority_that_cannot_be_read_is_refused(ca: str, message: str) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        RemoteProvider(HERE, ca=ca)


def test_client_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    certificate, key = AUTHORITY.issue().write(tmp_path, "one")
    _, other_key = AUTHORITY.issue().write(tmp_path, "two")
    with pytest.raises(InvalidArgumentError, match="belong to the other"):
        RemoteProvider(HERE, certificate=certificate, key=other_key)
    with pytest.raises(InvalidArgumentError, match="but no key"):
        RemoteProvider(HERE, certificate=certificate)
    with pytest.raises(InvalidArgumentError, match="No such file"):
        RemoteProvider(HERE, certificate=certificate, key=tmp_path / "three.key")
    RemoteProvider(HERE, certificate=certificate, key=key).close()


@pytest.mark.parametrize("token", ["two words", "line\nbreak", "ümlaut", "\x00"], ids=range(4))
def test_token_of_a_wrong_form_is_refused_and_not_shown(token: str) -> None:
    with pytest.raises(InvalidArgumentError, match="wrong form") as caught:
        RemoteProvider(HERE, token=token)
    assert token not in str(caught.value)


def test_token_is_in_no_repr_and_no_pickle() -> None:
    with RemoteProvider(HERE, token=TOKEN) as provider:
        connection = provider._connection
        shown = [repr(each) for each in (provider, connection, connection.credentials)]
        pickled = pickle.dumps([provider, connection])
    assert not any(TOKEN in text for text in shown)
    assert TOKEN.encode() not in pickled


def test_pickle_takes_the_token_of_where_it_is_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    original = Connection(HERE, credentials=GivenCredentials(TOKEN, ca=AUTHORITY.pem.decode()))
    loaded = pickle.loads(pickle.dumps(original))
    assert loaded == original
    with pytest.raises(AuthenticationError, match="LONGWIRE_TOKEN"):
        _ = loaded.metadata
    monkeypatch.setenv("LONGWIRE_TOKEN", "lw_there")
    again = pickle.loads(pickle.dumps(loaded))
    assert again.metadata == (("authorization", "Bearer lw_there"),)
    assert again.credentials.ca == AUTHORITY.pem
    assert again != original


def test_copy_in_the_same_process_keeps_the_token() -> None:
    original = Connection(HERE, credentials=GivenCredentials(TOKEN))
    for copied in (copy.copy(original), copy.deepcopy([original])[0]):
        assert copied.metadata == (("authorization", f"Bearer {TOKEN}"),)
        assert copied == original
    assert original != Connection(HERE)

"""API tokens: what they look like, what of them is kept, what is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import hmac
import re
import time

import pytest

from longwire.v1.account_pb2 import Role, Scope
from longwire_server.accounts.tokens import caller_of, is_right, new_token, parse_token
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.token import StoredToken

NOW_US = time.time_ns() // 1000


def made(**changes: object) -> tuple[StoredToken, str]:
    asked: dict[str, object] = {
        "name": "alice",
        "tenant": "physics",
        "role": Role.ROLE_USER,
        "scopes": (),
        "backend_names": (),
        "expire_time_us": None,
        "now_us": NOW_US,
        **changes,
    }
    return new_token(**asked)  # type: ignore[arg-type]


def test_token_has_its_id_and_a_secret_that_its_record_does_not() -> None:
    token, text = made()
    assert re.fullmatch(r"lw_[0-9a-f]{16}_[A-Za-z0-9_-]{43}", text)
    parsed = parse_token(text)
    assert parsed is not None
    token_id, secret = parsed
    assert token_id == token.token_id
    kept = str(dataclasses.asdict(token)) + repr(token)
    assert secret not in kept
    assert is_right(secret, token)


def test_tokens_are_all_different() -> None:
    texts = [made()[1] for _ in range(100)]
    assert len({text.split("_", 2)[1] for text in texts}) == 100
    assert len({text.split("_", 2)[2] for text in texts}) == 100


def test_secret_of_another_token_is_wrong() -> None:
    token, _ = made()
    _, other = made()
    parsed = parse_token(other)
    assert parsed is not None
    assert not is_right(parsed[1], token)


def test_secret_is_compared_in_a_time_that_does_not_depend_on_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Also one for no token: by the time, nobody finds out which ids there are."""
    compared: list[tuple[bytes, bytes]] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return not is_different

    monkeypatch.setattr(hmac, "compare_digest", compare)
    token, text = made()
    parsed = parse_token(text)
    assert parsed is not None
    digest = hashlib.sha256(parsed[1].encode()).digest()
    for is_different in (False, True):
        # Nothing else decides.
        assert is_right(parsed[1], token) is not is_different
    assert not is_right(parsed[1], None)
    assert compared[:2] == [(digest, token.secret_sha256)] * 2
    assert [len(digest) for pair in compared for digest in pair] == [32] * 6


def test_secret_of_no_token_is_wrong() -> None:
    assert not is_right("", None)
    assert not is_right("A" * 43, None)


@pytest.mark.parametrize(
    "text",
    ["", "lw_", "lw_0123456789abcdef", "lw_0123456789ABCDEF_" + "A" * 43, "x" * 10_000]
    + ["lw_0123456789abcdef_" + "A" * number for number in (42, 44)]
    + ["lw_0123456789abcdef_" + "A" * 43 + "\n", "lw_0123456789abcdef_" + "é" * 43],
    ids=str.__len__,
)
def test_text_of_another_shape_is_no_token(text: str) -> None:
    assert parse_token(text) is None


def test_token_of_a_user_is_good_for_all_that_users_do() -> None:
    token, _ = made()
    assert caller_of(token).scopes == {Scope.SCOPE_READ, Scope.SCOPE_SUBMIT}


def test_token_of_an_operator_also_manages() -> None:
    token, _ = made(role=Role.ROLE_OPERATOR)
    assert Scope.SCOPE_MANAGE in caller_of(token).scopes


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 129}, "name"),
        ({"name": "two\nlines"}, "name"),
        ({"tenant": ""}, "tenant"),
        ({"tenant": "a b"}, "tenant"),
        ({"role": Role.ROLE_UNSPECIFIED}, "role"),
        ({"role": 99}, "role"),
        ({"scopes": [99]}, "scopes"),
        ({"scopes": [Scope.SCOPE_MANAGE]}, "scopes"),
        ({"backend_names": ["two\nlines"]}, "backend_names"),
        ({"backend_names": ["b"] * 1001}, "backend_names"),
        ({"expire_time_us": NOW_US}, "expire_time"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(sorted(value))[:40],
)
def test_token_that_cannot_be_is_refused_with_the_field(
    changes: dict[str, object], field: str
) -> None:
    with pytest.raises(RequestRefusedError) as caught:
        made(**changes)
    assert caught.value.field == field

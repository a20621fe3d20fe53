"""API tokens in every database, and how soon one process knows what another has done."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from api_tokens import shown, token_id
from postgresql_server import PostgresqlServer
from stored_jobs import with_open

from longwire.v1.account_pb2 import Role, Scope
from longwire.v1.error_pb2 import ErrorReason
from longwire_server.accounts import token_directory
from longwire_server.accounts.authenticator import Authenticator
from longwire_server.accounts.caller import Caller
from longwire_server.accounts.token_directory import TokenDirectory
from longwire_server.accounts.tokens import new_token
from longwire_server.config.auth_section import AuthSection
from longwire_server.refusals import RequestRefusedError
from longwire_server.store.account_changes import AccountChanges
from longwire_server.store.direct_access import tokens_of
from longwire_server.store.job_store import JobStore, StoreError
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.store.token import StoredToken

LIMIT_SECONDS = 60.0
ADDRESS = "192.0.2.1"


def made(number: int = 0) -> tuple[StoredToken, str]:
    return new_token(
        name=f"token {number}",
        tenant="physics",
        role=Role.ROLE_OPERATOR,
        scopes=[Scope.SCOPE_READ, Scope.SCOPE_MANAGE],
        backend_names=["one", "two"],
        expire_time_us=4_000_000_000_000_000,
        now_us=1_700_000_000_000_000 + number,
    )


def on_store(url: str, body: Callable[[SqlJobStore], Awaitable[None]]) -> None:
    store = SqlJobStore(url)

    async def run(_store: JobStore) -> None:
        await body(store)

    asyncio.run(with_open(store, run))


class Door:
    """What a server asks who calls."""

    def __init__(self, store: SqlJobStore, *, failures_per_minute: int = 1000) -> None:
        self.tokens = TokenDirectory(store.tokens, store.account_changes)
        section = AuthSection(failures_per_minute=failures_per_minute)
        self._authenticator = Authenticator(section, required=True, tokens=self.tokens)
        self.watch = self._authenticator.watch

    async def __aenter__(self) -> Door:
        await self.tokens.start()
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.tokens.stop()

    def known(self, text: str) -> Caller | None:
        return self._authenticator.known(shown(text)[0][1])

    async def find(self, text: str, address: str = ADDRESS) -> Caller:
        return await self._authenticator.find(shown(text)[0][1], address)

    async def reason(self, text: str, address: str = ADDRESS) -> tuple[str, str]:
        with pytest.raises(RequestRefusedError) as caught:
            await self.find(text, address)
        return ErrorReason.Name(caught.value.reason)[13:], caught.value.message


async def becomes(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(LIMIT_SECONDS):
        while True:
            if condition():
                return
            await asyncio.sleep(0.01)


def test_token_is_kept_as_it_was_made(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        older, newer = made(1)[0], made(2)[0]
        await store.tokens.add(older)
        await store.tokens.add(newer)
        assert await store.tokens.all() == [newer, older]

    on_store(sql_url, body)


def test_token_is_revoked_once_and_for_all(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        token, _ = made()
        await store.tokens.add(token)
        first = await store.tokens.revoke(token.token_id, 5)
        second = await store.tokens.revoke(token.token_id, 9)
        assert first is not None
        assert first.revoke_time_us == 5
        assert second == first
        assert await store.tokens.all() == [first]
        assert await store.tokens.revoke("0" * 16, 5) is None

    on_store(sql_url, body)


def test_token_that_another_process_makes_is_good_at_once(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        async with Door(store) as door:
            token, text = made()
            assert door.known(text) is None
            async with tokens_of(sql_url) as table:
                await table.add(token)
            caller = await door.find(text)
            assert (caller.tenant, caller.subject) == ("physics", "token 0")
            assert caller.scopes == {Scope.SCOPE_READ, Scope.SCOPE_MANAGE}
            assert caller.backend_names == {"one", "two"}

    on_store(sql_url, body)


def test_token_that_another_process_revokes_ends_what_goes_on_without_a_look(
    sql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_directory, "LOOK_EVERY_SECONDS", 3600.0)

    async def body(store: SqlJobStore) -> None:
        async with Door(store) as door:
            token, text = made()
            await store.tokens.add(token)
            caller = await door.find(text)
            revoked = asyncio.Event()
            door.watch(caller, revoked.set)
            await becomes(lambda: door.known(text) is not None)
            async with tokens_of(sql_url) as table:
                await table.revoke(token.token_id, 5)
            await asyncio.wait_for(revoked.wait(), LIMIT_SECONDS)
            assert door.known(text) is None
            reason, message = await door.reason(text)
            assert reason == "UNAUTHENTICATED"
            assert "was revoked" in message

    on_store(sql_url, body)


def test_revocation_of_which_no_word_came_is_found(
    sql_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(token_directory, "LOOK_EVERY_SECONDS", 0.05)
    monkeypatch.setattr(AccountChanges, "tell", lambda _self: None)
    monkeypatch.setattr(AccountChanges, "note", lambda _self, _cursor: None)

    async def body(store: SqlJobStore) -> None:
        async with Door(store) as door:
            token, text = made()
            await store.tokens.add(token)
            await becomes(lambda: door.known(text) is not None)
            await store.tokens.revoke(token.token_id, 5)
            await becomes(lambda: door.known(text) is None)

    on_store(sql_url, body)


def test_wrong_credentials_all_have_the_same_answer(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        async with Door(store) as door:
            token, text = made()
            await store.tokens.add(token)
            secret = text.split("_", 2)[2]
            wrong = f"lw_{token.token_id}_{secrets.token_urlsafe(32)}"
            unknown = f"lw_{secrets.token_hex(8)}_{secret}"
            answers = {await door.reason(each) for each in (wrong, unknown, "", "garbage", "a.b.c")}
            assert len(answers) == 1

    on_store(sql_url, body)


def test_address_with_too_many_failures_is_refused_and_good_tokens_are_not(sql_url: str) -> None:
    async def body(store: SqlJobStore) -> None:
        async with Door(store, failures_per_minute=3) as door:
            token, text = made()
            await store.tokens.add(token)
            for _ in range(3):
                assert (await door.reason("garbage"))[0] == "UNAUTHENTICATED"
            with pytest.raises(RequestRefusedError) as caught:
                await door.find("garbage")
            assert caught.value.reason == ErrorReason.ERROR_REASON_LIMIT_EXCEEDED
            assert caught.value.details["limit"] == "auth.failures_per_minute"
            assert 0 < (caught.value.retry_after_seconds or 0) <= 60
            # Nobody is asked any more, not even by one that may be good.
            _, unknown = made(1)
            assert (await door.reason(unknown))[0] == "LIMIT_EXCEEDED"
            # Who is known to be good is so behind the same address, and others elsewhere.
            await door.tokens.renew()
            assert (await door.find(text)).subject == "token 0"
            assert (await door.reason("garbage", "192.0.2.2"))[0] == "UNAUTHENTICATED"

    on_store(sql_url, body)


def test_known_tokens_are_good_while_the_database_is_away_and_others_in_doubt(
    postgresql: PostgresqlServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def body(store: SqlJobStore) -> None:
        async with Door(store) as door:
            token, text = made()
            await store.tokens.add(token)
            caller = await door.find(text)
            _, unknown = made(1)
            postgresql.stop()
            try:
                assert (await door.reason(unknown))[0] == "STORE_UNAVAILABLE"
                assert door.known(text) == caller
                # Not for ever: it may be revoked elsewhere.
                monkeypatch.setattr(token_directory, "TRUSTED_SECONDS", 0.0)
                assert door.known(text) is None
                assert (await door.reason(text))[0] == "STORE_UNAVAILABLE"
            finally:
                postgresql.start()
            monkeypatch.setattr(token_directory, "TRUSTED_SECONDS", 900.0)

            async with asyncio.timeout(LIMIT_SECONDS):
                while True:
                    with contextlib.suppress(StoreError):
                        await door.tokens.renew()
                        break
                    await asyncio.sleep(0.1)
            assert await door.find(text) == caller
            assert (await door.reason(unknown))[0] == "UNAUTHENTICATED"

    with postgresql.database() as url:
        on_store(url, body)


def test_file_that_tells_of_changes_is_put_there_anew(tmp_path: Path) -> None:
    """It may be another user's: an administrator's, beside a server with a user of its own."""

    file = tmp_path / "jobs.db.accounts"

    async def body(store: SqlJobStore) -> None:
        token, text = made()
        await store.tokens.add(token)
        before = store.account_changes.mark()
        with file.open("rb") as held:
            await store.tokens.revoke(token_id(text), 5)
            assert os.fstat(held.fileno()).st_ino != file.stat().st_ino
        assert store.account_changes.mark() != before

    on_store(f"sqlite:///{tmp_path}/jobs.db", body)

"""All that decides who may call, put together: credentials, the interceptor, the audit log."""

from __future__ import annotations

import logging

from longwire_server.accounts.authenticator import Authenticator
from longwire_server.accounts.token_directory import TokenDirectory
from longwire_server.config.model import ServerConfig
from longwire_server.interceptors.access import AccessInterceptor
from longwire_server.store.sql_job_store import SqlJobStore
from longwire_server.telemetry.audit import AuditLog

_logger = logging.getLogger(__name__)


class Gate:
    """The gate of one server.

    Args:
        config: the whole configuration.
        store: where the API tokens are.

    Attributes:
        tokens: the API tokens in memory.
        interceptor: stands in front of every servicer.

    Raises:
        KeysUnavailableError: the file with the issuer's keys cannot be read.
    """

    def __init__(self, config: ServerConfig, store: SqlJobStore) -> None:
        self._required = config.auth_required
        self._has_other_credentials = config.auth.is_set_up
        self._is_exposed = config.server.insecure
        self._audit = None if config.audit_file is None else AuditLog(config.audit_file)
        self.tokens = TokenDirectory(store.tokens, store.account_changes)
        authenticator = Authenticator(config.auth, required=self._required, tokens=self.tokens)
        self.interceptor = AccessInterceptor(authenticator, self._audit)

    async def start(self) -> None:
        """Learns which tokens there are.

        Raises:
            StoreError: they cannot be read.
            OSError: the audit log cannot be written.
        """
        if self._audit is not None:
            self._audit.open()
        await self.tokens.start()
        if self._required and not self._has_other_credentials and not self.tokens.any_is_good():
            _logger.warning(
                "nobody can log in: callers must show a token, and the store has none that is "
                "good; make the first one with longwire-server token create --config FILE "
                "--name admin --role admin"
            )
        if self._is_exposed and not self._required:
            _logger.warning(
                "nobody is asked who they are: anybody who reaches this address can run jobs; "
                "write required = true in [auth] to change that"
            )

    async def stop(self) -> None:
        """Listens for changes no more, and closes the audit log."""
        await self.tokens.stop()
        if self._audit is not None:
            self._audit.close()

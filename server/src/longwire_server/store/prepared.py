"""Statements compiled once and run straight on the driver.

A job takes half a dozen small statements, and SQLAlchemy's execution of one takes
about as long as the database does. So the statements of the hot path are written
in SQLAlchemy, compiled at start, and handed to the driver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPICursor


class Prepared:
    """One statement in a database's own words.

    Args:
        statement: a statement whose parameters are plain: numbers, text, bytes, None.
        dialect: the database.
    """

    def __init__(self, statement: sa.ClauseElement, dialect: sa.Dialect) -> None:
        compiled = statement.compile(dialect=dialect)
        assert isinstance(compiled, sa.sql.compiler.SQLCompiler)
        self._text = compiled.string
        self._positions = compiled.positiontup
        self._fixed = {name: value for name, value in compiled.params.items() if value is not None}

    def run(self, cursor: DBAPICursor, parameters: Mapping[str, Any]) -> int:
        """Executes the statement, and returns how many rows it touched."""
        values = {**self._fixed, **parameters}
        if self._positions is None:
            cursor.execute(self._text, values)
        else:
            cursor.execute(self._text, [values[name] for name in self._positions])
        return cursor.rowcount

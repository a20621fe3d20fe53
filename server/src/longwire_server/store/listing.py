"""The statement of a listing, so that an index serves it whatever is asked for."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from longwire.v1.job_pb2 import JobState
from longwire_server.store.job import FINAL_STATES
from longwire_server.store.job_query import JobQuery
from longwire_server.store.tables import UNFINISHED, job_tags, jobs


def list_statement(query: JobQuery) -> sa.Select[Any]:
    """Selects the jobs that a query shows, the newest first.

    A query for several states is made of one for each, of which every one reads a
    page at most: the jobs of one state are in an index in their order, those of
    several are not.
    """
    if query.tag or len(query.states) < 2:
        return _page(query, query.states)
    each_state = [
        sa.select(_page(query, frozenset({state})).subquery()) for state in sorted(query.states)
    ]
    found = sa.union_all(*each_state).subquery()
    return (
        sa.select(found)
        .order_by(found.c.create_time_us.desc(), found.c.job_id.desc())
        .limit(query.page_size)
    )


def _page(query: JobQuery, states: frozenset[JobState.ValueType]) -> sa.Select[Any]:
    statement = sa.select(jobs)
    listed = jobs.c
    conditions: list[sa.ColumnElement[bool]] = []
    if query.tag:
        listed = job_tags.c
        statement = statement.join_from(job_tags, jobs, job_tags.c.job_id == jobs.c.job_id)
        conditions.append(job_tags.c.tag == query.tag)
    if query.tenant is not None:
        conditions.append(listed.tenant == query.tenant)
    if states:
        numbers = [int(state) for state in states]
        one = jobs.c.state == numbers[0]
        conditions.append(one if len(numbers) == 1 else jobs.c.state.in_(numbers))
        if query.tenant is None and not states & FINAL_STATES:
            # Over all tenants, only the unfinished jobs have an index of their own.
            conditions.append(UNFINISHED)
    if query.backend_name:
        conditions.append(jobs.c.backend_name == query.backend_name)
    if query.name:
        # As the partial index has it, so that the index serves it.
        conditions += [jobs.c.name == query.name, jobs.c.name != sa.literal_column("''")]
    if query.created_after_us is not None:
        conditions.append(listed.create_time_us >= query.created_after_us)
    if query.created_before_us is not None:
        conditions.append(listed.create_time_us < query.created_before_us)
    if query.after is not None:
        last = sa.tuple_(sa.literal(query.after.create_time_us), sa.literal(query.after.job_id))
        conditions.append(sa.tuple_(listed.create_time_us, listed.job_id) < last)
    return (
        statement.where(*conditions)
        .order_by(listed.create_time_us.desc(), listed.job_id.desc())
        .limit(query.page_size)
    )

"""The tables of the SQL store. Migrations bring a database to this state."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from longwire_server.store.job import FINAL_STATES

metadata = sa.MetaData()

# Which store it is: the directory of its payload files is called so. One row.
store_identity = sa.Table(
    "store_identity", metadata, sa.Column("store_id", sa.String(32), primary_key=True)
)

jobs = sa.Table(
    "jobs",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("tenant", sa.String(128), nullable=False),
    # NULL where none was given, so that the unique index ignores it.
    sa.Column("request_id", sa.String(128), nullable=True),
    sa.Column("spec_digest", sa.LargeBinary(32), nullable=False),
    sa.Column("backend_name", sa.String(128), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("state", sa.SmallInteger, nullable=False),
    sa.Column("sequence", sa.BigInteger, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("create_time_us", sa.BigInteger, nullable=False),
    sa.Column("start_time_us", sa.BigInteger, nullable=True),
    sa.Column("end_time_us", sa.BigInteger, nullable=True),
    sa.Column("error_reason", sa.SmallInteger, nullable=False),
    sa.Column("error_message", sa.Text, nullable=False),
    sa.Column("result_bytes", sa.BigInteger, nullable=False),
    # One label a line with a line break on both ends. They are found in job_tags.
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False, server_default="1"),
    # Refers to a program; NULL where the spec holds its payloads.
    sa.Column("payloads_sha256", sa.LargeBinary(32), nullable=True),
    # Which server has the job, and until when it has the present attempt unless it
    # renews that.
    sa.Column("lease_owner", sa.String(128), nullable=True),
    sa.Column("lease_expires_us", sa.BigInteger, nullable=True),
    # What the job's owner asked for.
    sa.Column("queue_deadline_us", sa.BigInteger, nullable=True),
    sa.Column("run_limit_seconds", sa.Double, nullable=True),
    # Set where another server than the job's was asked to cancel it.
    sa.Column("cancel_requested", sa.SmallInteger, nullable=True),
    sa.Column("submitter", sa.String(256), nullable=True),
    sa.Column("priority", sa.SmallInteger, nullable=False, server_default="0"),
    sa.Column("batch", sa.String(128), nullable=True),
    sa.Column("session_id", sa.String(32), nullable=True),
    # When an operator put the job in front of the queue.
    sa.Column("moved_us", sa.BigInteger, nullable=True),
    sa.Column("forgiven_attempts", sa.Integer, nullable=False, server_default="0"),
    # Bytes of the spec and the result that are kept, in this database or in files.
    sa.Column("kept_bytes", sa.BigInteger, nullable=False, server_default="0"),
    sa.Index("jobs_request_id", "tenant", "request_id", unique=True),
    # A listing by any one of these reads no job that it does not show.
    sa.Index("jobs_newest", "tenant", "create_time_us", "job_id"),
    sa.Index("jobs_state", "tenant", "state", "create_time_us", "job_id"),
    sa.Index("jobs_backend", "tenant", "backend_name", "create_time_us", "job_id"),
    # The same over all tenants, for operators.
    sa.Index("jobs_of_all", "create_time_us", "job_id"),
)

_has_name = jobs.c.name != sa.literal_column("''")
sa.Index(
    "jobs_name",
    jobs.c.tenant,
    jobs.c.name,
    jobs.c.create_time_us,
    jobs.c.job_id,
    sqlite_where=_has_name,
    postgresql_where=_has_name,
)

# Jobs by their tags, in the order of a listing. The tags themselves are in jobs.
job_tags = sa.Table(
    "job_tags",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("tag", sa.String(128), primary_key=True),
    sa.Column("create_time_us", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("job_id", sa.String(32), primary_key=True),
    sqlite_with_rowid=False,
)

# Few jobs are unfinished at any time: a start reads only those. The state is a constant,
# not a parameter, so that the indexes with this condition serve.
UNFINISHED = jobs.c.state < sa.literal_column("5")
assert all(int(state) >= 5 for state in FINAL_STATES), "the condition says so"
sa.Index(
    "jobs_unfinished",
    jobs.c.create_time_us,
    jobs.c.job_id,
    sqlite_where=UNFINISHED,
    postgresql_where=UNFINISHED,
)

# The order in which ended jobs are removed, and what they have, with the sizes.
HAS_ENDED = jobs.c.end_time_us.is_not(None)
sa.Index("jobs_ended", jobs.c.end_time_us, sqlite_where=HAS_ENDED, postgresql_where=HAS_ENDED)
HAS_KEPT_PAYLOADS = sa.and_(HAS_ENDED, jobs.c.kept_bytes > sa.literal_column("0"))
sa.Index(
    "jobs_kept",
    jobs.c.end_time_us,
    jobs.c.kept_bytes,
    sqlite_where=HAS_KEPT_PAYLOADS,
    postgresql_where=HAS_KEPT_PAYLOADS,
)

# A program that one of these needs is not removed. Jobs that hold their payloads
# are not in it, and cost nothing here.
_needs_program = sa.and_(UNFINISHED, jobs.c.payloads_sha256.is_not(None))
sa.Index(
    "jobs_program",
    jobs.c.payloads_sha256,
    sqlite_where=_needs_program,
    postgresql_where=_needs_program,
)


def _payload_columns() -> list[sa.Column[Any]]:
    """A payload: in the row itself, or, where there is a key, in a file."""
    return [
        # Empty where the payload is in a file.
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("file_key", sa.String(32), nullable=True),
        sa.Column("file_bytes", sa.BigInteger, nullable=True),
        sa.Column("file_check", sa.LargeBinary(48), nullable=True),
    ]


programs = sa.Table(
    "programs",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("payloads_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # To the minute: a program that is used a thousand times is not written as often.
    sa.Column("last_used_us", sa.BigInteger, nullable=False),
    *_payload_columns(),
    # Their order of removal, and their sizes, without reading a payload.
    sa.Index("programs_unused", "last_used_us", "size_bytes"),
)

specs = sa.Table(
    "specs",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    *_payload_columns(),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    *_payload_columns(),
)

# Which files are needed: those of all these tables.
PAYLOAD_TABLES = (specs, results, programs)
for _table in PAYLOAD_TABLES:
    _in_file = _table.c.file_key.is_not(None)
    sa.Index(
        f"{_table.name}_file",
        _table.c.file_key,
        sqlite_where=_in_file,
        postgresql_where=_in_file,
    )

# The servers that share this store; see server_table.
servers = sa.Table(
    "servers",
    metadata,
    sa.Column("server_id", sa.String(128), primary_key=True),
    sa.Column("boot_id", sa.String(32), nullable=False),
    sa.Column("beats", sa.BigInteger, nullable=False),
    sa.Column("lease_seconds", sa.Double, nullable=False),
    sa.Column("has_stopped", sa.SmallInteger, nullable=False),
)

# API tokens. The secret itself is nowhere.
tokens = sa.Table(
    "tokens",
    metadata,
    sa.Column("token_id", sa.String(16), primary_key=True),
    sa.Column("secret_sha256", sa.LargeBinary(32), nullable=False),
    sa.Column("name", sa.String(128), nullable=False),
    sa.Column("tenant", sa.String(128), nullable=False),
    sa.Column("role", sa.SmallInteger, nullable=False),
    # Numbers of scopes, and names of backends, one a line; empty for all.
    sa.Column("scopes", sa.Text, nullable=False),
    sa.Column("backend_names", sa.Text, nullable=False),
    sa.Column("create_time_us", sa.BigInteger, nullable=False),
    sa.Column("expire_time_us", sa.BigInteger, nullable=True),
    sa.Column("revoke_time_us", sa.BigInteger, nullable=True),
)

# What was set for tenants. Those for whom nothing was are not in it.
tenants = sa.Table(
    "tenants",
    metadata,
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("weight", sa.Double, nullable=False),
    # A serialised longwire.v1.Quotas.
    sa.Column("quotas", sa.LargeBinary, nullable=False),
)

# What tenants have used, by day in UTC.
usage = sa.Table(
    "usage",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True),
    sa.Column("backend_name", sa.String(128), primary_key=True),
    sa.Column("jobs", sa.BigInteger, nullable=False),
    sa.Column("shots", sa.BigInteger, nullable=False),
    sa.Column("worker_us", sa.BigInteger, nullable=False),
)

# What operators have set for backends.
backend_controls = sa.Table(
    "backend_controls",
    metadata,
    sa.Column("backend_name", sa.String(128), primary_key=True),
    sa.Column("is_paused", sa.SmallInteger, nullable=False),
    sa.Column("status_msg", sa.Text, nullable=False),
)

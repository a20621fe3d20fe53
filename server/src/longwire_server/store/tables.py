"""The tables of the SQL store. Migrations bring a database to this state."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

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
    # One label a line with a line break on both ends, so that a tag is found whole.
    sa.Column("tags", sa.Text, nullable=False),
    sa.Column("kind", sa.SmallInteger, nullable=False, server_default="1"),
    # Refers to a program; NULL where the spec holds its payloads.
    sa.Column("payloads_sha256", sa.LargeBinary(32), nullable=True),
    # Which server runs the present attempt, and until when unless it renews that.
    sa.Column("lease_owner", sa.String(128), nullable=True),
    sa.Column("lease_expires_us", sa.BigInteger, nullable=True),
    # What the job's owner asked for.
    sa.Column("queue_deadline_us", sa.BigInteger, nullable=True),
    sa.Column("run_limit_seconds", sa.Double, nullable=True),
    sa.Index("jobs_request_id", "tenant", "request_id", unique=True),
    sa.Index("jobs_newest", "tenant", "create_time_us", "job_id"),
)

# Few jobs are unfinished at any time: a start reads only those.
sa.Index(
    "jobs_unfinished",
    jobs.c.create_time_us,
    jobs.c.job_id,
    sqlite_where=jobs.c.state < 5,
    postgresql_where=jobs.c.state < 5,
)

# A program that one of these needs is not removed. Jobs that hold their payloads
# are not in it, and cost nothing here.
_needs_program = sa.and_(jobs.c.state < 5, jobs.c.payloads_sha256.is_not(None))
sa.Index(
    "jobs_program",
    jobs.c.payloads_sha256,
    sqlite_where=_needs_program,
    postgresql_where=_needs_program,
)

programs = sa.Table(
    "programs",
    metadata,
    sa.Column("tenant", sa.String(128), primary_key=True),
    sa.Column("payloads_sha256", sa.LargeBinary(32), primary_key=True),
    sa.Column("size_bytes", sa.BigInteger, nullable=False),
    # To the minute: a program that is used a thousand times is not written as often.
    sa.Column("last_used_us", sa.BigInteger, nullable=False),
    sa.Column("payload", sa.LargeBinary, nullable=False),
    # Their order of removal, and their sizes, without reading a payload.
    sa.Index("programs_unused", "last_used_us", "size_bytes"),
)

specs = sa.Table(
    "specs",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)

results = sa.Table(
    "results",
    metadata,
    sa.Column("job_id", sa.String(32), primary_key=True),
    sa.Column("payload", sa.LargeBinary, nullable=False),
)

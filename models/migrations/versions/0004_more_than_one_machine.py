"""More than one machine: what servers share, and tables that stay quick after a year."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Brings a database of 0003 to what several servers share."""
    shared()
    a_year()


def shared() -> None:
    """What servers tell each other. It may be lost: on PostgreSQL nothing of it goes into the log."""
    unlogged = [] if op.get_bind().dialect.name == "sqlite" else ["UNLOGGED"]
    op.create_table(
        "shared_buckets",
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("kind", "name"),
        prefixes=unlogged,
    )
    op.create_table(
        "shared_places",
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("server", "kind", "name"),
        prefixes=unlogged,
    )
    op.create_table(
        "shared_turns",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        prefixes=unlogged,
    )


def a_year() -> None:
    """What tables need that take 10^8 rows a year."""
    postgresql = op.get_bind().dialect.name == "postgresql"
    op.add_column("sessions", sa.Column("sessions_before", sa.Integer(), server_default="0", nullable=False))
    op.add_column(
        "sessions", sa.Column("passings_before", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("sessions", sa.Column("last_passing_before", sa.BigInteger(), nullable=True))
    op.add_column("sessions", sa.Column("last_received_before", sa.BigInteger(), nullable=True))
    op.execute(BEFORE)
    op.create_index("conflicts_of_session", "conflicts", ["session_row", "id"], unique=False)
    if postgresql:
        for statement in STORAGE:
            op.execute(statement)


BEFORE = """
    UPDATE sessions SET
        sessions_before = sums.sessions, passings_before = coalesce(sums.passings, 0),
        last_passing_before = sums.last_passing, last_received_before = sums.last_received
    FROM (
        SELECT id, count(*) OVER older AS sessions, sum(passing_count) OVER older AS passings,
            max(last_passing_at) OVER older AS last_passing, max(last_received_at) OVER older AS last_received
        FROM sessions
        WINDOW older AS (PARTITION BY device_row ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) AS sums
    WHERE sums.id = sessions.id
"""
STORAGE = (
    # Changed by every commit, in columns without an index: with room on its page a new version of a row stays
    # there and no index is touched.
    "ALTER TABLE accounts SET (fillfactor = 50)",
    "ALTER TABLE sessions SET (fillfactor = 70)",
    "ALTER TABLE device_states SET (fillfactor = 70)",
    # Grown at the end and never changed: frozen at the first visit, which comes after a hundredth of the rows
    # and not after a fifth.
    "ALTER TABLE passings SET (autovacuum_freeze_min_age = 0, autovacuum_vacuum_insert_scale_factor = 0.01,"
    " autovacuum_vacuum_insert_threshold = 100000, autovacuum_analyze_scale_factor = 0.01)",
    "ALTER TABLE telemetry SET (autovacuum_vacuum_scale_factor = 0.05,"
    " autovacuum_analyze_scale_factor = 0.02)",
    # Each try takes a number, also one that finds the same conflict there: a device that sends it for ever
    # would come to the end of 31 bits.
    "ALTER TABLE conflicts ALTER COLUMN id TYPE bigint",
    "ALTER SEQUENCE conflicts_id_seq AS bigint",
)

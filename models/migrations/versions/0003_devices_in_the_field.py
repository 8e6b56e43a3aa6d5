"""Devices in the field: telemetry, alarms, binding tokens, finer keys and their audit trail."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "alarm_thresholds",
        sa.Column("account_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("battery_low", sa.Float(), nullable=True),
        sa.Column("battery_critical", sa.Float(), nullable=True),
        sa.Column("temperature_low", sa.Float(), nullable=True),
        sa.Column("temperature_high", sa.Float(), nullable=True),
        sa.Column("clock_ahead", sa.Float(), nullable=True),
        sa.Column("passings_pending", sa.Integer(), nullable=True),
        sa.Column("moved", sa.Float(), nullable=True),
        sa.Column("missing_numbers", sa.Integer(), nullable=True),
        sa.Column("reader", sa.Boolean(), nullable=False),
        sa.Column("silent", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("account_id"),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.Integer(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("key_id", sa.Integer(), nullable=True),
        sa.Column("token_id", sa.Integer(), nullable=True),
        sa.Column("device_row", sa.Integer(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("audit_of_account", "audit_entries", ["account_id", "id"], unique=False)
    op.create_table(
        "alarms",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("device_row", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("severity", sa.String(), nullable=False),
        sa.Column("detail", sa.String(), nullable=True),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["device_row"],
            ["devices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("alarms_of_account", "alarms", ["account_id", "id"], unique=False)
    op.create_index(
        "open_alarms_of_account",
        "alarms",
        ["account_id", "id"],
        unique=False,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_index("alarms_of_device", "alarms", ["device_row", "id"], unique=False)
    op.create_index(
        "one_open_alarm",
        "alarms",
        ["device_row", "kind"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.create_table(
        "binding_tokens",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("alias", sa.String(), nullable=True),
        sa.Column("made_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.Column("used_at", sa.BigInteger(), nullable=True),
        sa.Column("revoked_at", sa.BigInteger(), nullable=True),
        sa.Column("device_row", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["device_row"],
            ["devices.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
    )
    op.create_index(op.f("ix_binding_tokens_account_id"), "binding_tokens", ["account_id"], unique=False)
    op.create_table(
        "device_states",
        sa.Column("device_row", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("pending_before", sa.BigInteger(), nullable=True),
        sa.Column("anchor_latitude", sa.Float(), nullable=True),
        sa.Column("anchor_longitude", sa.Float(), nullable=True),
        sa.Column("anchored_at", sa.BigInteger(), nullable=True),
        sa.Column("thinned_until", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["accounts.id"],
        ),
        sa.ForeignKeyConstraint(
            ["device_row"],
            ["devices.id"],
        ),
        sa.PrimaryKeyConstraint("device_row"),
    )
    op.create_index("device_states_of_account", "device_states", ["account_id", "device_row"], unique=False)
    op.create_table(
        "key_uses",
        sa.Column("key_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.Column("first_at", sa.BigInteger(), nullable=False),
        sa.Column("last_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["key_id"],
            ["api_keys.id"],
        ),
        sa.PrimaryKeyConstraint("key_id", "day"),
    )
    op.create_table(
        "telemetry",
        sa.Column("device_row", sa.Integer(), nullable=False),
        sa.Column("reported_at", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("received_at", sa.BigInteger(), nullable=False),
        sa.Column("stale", sa.Boolean(), nullable=False),
        sa.Column("status", sa.String(), nullable=True),
        sa.Column("mode", sa.String(), nullable=True),
        sa.Column("battery_percentage", sa.Float(), nullable=True),
        sa.Column("charging", sa.Boolean(), nullable=True),
        sa.Column("voltage", sa.Float(), nullable=True),
        sa.Column("temperature", sa.Float(), nullable=True),
        sa.Column("latitude", sa.Float(), nullable=True),
        sa.Column("longitude", sa.Float(), nullable=True),
        sa.Column("altitude", sa.Float(), nullable=True),
        sa.Column("connectivity", sa.String(), nullable=True),
        sa.Column("signal_strength", sa.Float(), nullable=True),
        sa.Column("reader_connected", sa.Boolean(), nullable=True),
        sa.Column("antennas", sa.Integer(), nullable=True),
        sa.Column("firmware", sa.String(), nullable=True),
        sa.Column("passings_pending", sa.BigInteger(), nullable=True),
        sa.Column("clock_source", sa.String(), nullable=True),
        sa.Column("configuration", sa.String(), nullable=True),
        sa.Column("extra", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["device_row"],
            ["devices.id"],
        ),
        sa.PrimaryKeyConstraint("device_row", "reported_at"),
        sqlite_with_rowid=False,
    )
    op.add_column("api_keys", sa.Column("device_row", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_api_keys_device_row"), "api_keys", ["device_row"], unique=False)
    op.add_column("api_keys", sa.Column("event_id", sa.Integer(), nullable=True))
    op.add_column("api_keys", sa.Column("expires_at", sa.BigInteger(), nullable=True))
    op.add_column("api_keys", sa.Column("made_by", sa.Integer(), nullable=True))
    op.add_column("api_keys", sa.Column("replaced_by", sa.Integer(), nullable=True))
    op.add_column(
        "api_keys", sa.Column("of_binding", sa.Boolean(), server_default=sa.false(), nullable=False)
    )

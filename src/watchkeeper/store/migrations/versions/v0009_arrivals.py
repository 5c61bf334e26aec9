"""Pings of jobs, and numbers that programs push."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "heartbeat",
        sa.Column("signal", sa.String(length=100), nullable=False),
        sa.Column("created_at", schema.Instant(), nullable=False),
        sa.Column("looked_at", schema.Instant(), nullable=True),
        sa.Column("gap_from", schema.Instant(), nullable=True),
        sa.Column("gap_to", schema.Instant(), nullable=True),
        sa.Column("pinged_at", schema.Instant(), nullable=True),
        sa.Column("succeeded_at", schema.Instant(), nullable=True),
        sa.Column("failed_at", schema.Instant(), nullable=True),
        sa.Column("exit", sa.Integer(), nullable=True),
        sa.Column("ran_s", sa.Float(), nullable=True),
        sa.Column("running", schema.Json, nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("signal", name=op.f("pk_heartbeat")),
    )
    op.create_table(
        "pushed",
        sa.Column("signal", sa.String(length=100), nullable=False),
        sa.Column("reading", sa.String(length=300), nullable=False),
        sa.Column("value", sa.Float(), nullable=False),
        sa.Column("counts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("signal", "reading", name=op.f("pk_pushed")),
    )
    op.create_table(
        "push",
        sa.Column("signal", sa.String(length=100), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("signal", "key", name=op.f("pk_push")),
    )
    op.create_index("ix_push_at", "push", ["at"])

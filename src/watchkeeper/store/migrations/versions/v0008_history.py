"""Sums of samples by minutes, five minutes and hours."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "sample_bucket",
        sa.Column("level_s", sa.Integer(), nullable=False),
        sa.Column("signal", sa.String(length=100), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("looks", sa.Integer(), nullable=False),
        sa.Column("blind", sa.Integer(), nullable=False),
        sa.Column("readings", schema.Json, nullable=False),
        sa.PrimaryKeyConstraint("level_s", "signal", "at", name=op.f("pk_sample_bucket")),
    )
    op.create_index(op.f("ix_sample_bucket_level_at"), "sample_bucket", ["level_s", "at"])
    op.create_table(
        "sample_summed",
        sa.Column("only", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sample_id", schema.Serial, nullable=False),
        sa.Column("raw_from", schema.Instant()),
        sa.PrimaryKeyConstraint("only", name=op.f("pk_sample_summed")),
    )

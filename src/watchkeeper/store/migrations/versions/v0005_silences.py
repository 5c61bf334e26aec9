"""Silences, and what holds an alert back."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of silences; an alert says what it waits or waited under."""
    op.add_column("alert", sa.Column("silenced_by", sa.String(length=100), nullable=True))
    op.create_table(
        "silence",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("begins_at", schema.Instant(), nullable=False),
        sa.Column("ends_at", schema.Instant(), nullable=False),
        sa.Column("component", sa.String(length=200), nullable=True),
        sa.Column("subject", sa.String(length=500), nullable=True),
        sa.Column("severity", sa.String(length=50), nullable=True),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("hours", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_silence")),
    )
    op.create_index("ix_silence_ends_at", "silence", ["ends_at"])

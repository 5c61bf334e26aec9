"""On call: overrides and swaps of rotas, notes for who is next, and the addresses of calendars."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the three tables."""
    op.create_table(
        "rota_change",
        sa.Column("id", sa.String(length=60), nullable=False),
        sa.Column("made_with", sa.String(length=40), nullable=False),
        sa.Column("rota", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("instead_of", sa.String(length=100), nullable=True),
        sa.Column("begins_at", schema.Instant(), nullable=False),
        sa.Column("ends_at", schema.Instant(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("made_at", schema.Instant(), nullable=False),
        sa.Column("ended_at", schema.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rota_change")),
    )
    op.create_index("ix_rota_change", "rota_change", ["rota", "ends_at"])
    op.create_table(
        "handover",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("rota", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    op.create_index("ix_handover_rota", "handover", ["rota", "at"])
    op.create_table(
        "calendar",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.Column("made_at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_calendar")),
    )

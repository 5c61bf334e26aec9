"""Restored databases, and ledgers whose beginning was exported."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "ledger_cut",
        sa.Column("seq", schema.Serial, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("file", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger_cut")),
    )
    op.create_table(
        "restoration",
        sa.Column("epoch", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("lost_from", schema.Serial, nullable=False),
        sa.Column("lost_to", schema.Serial, nullable=False),
        sa.PrimaryKeyConstraint("epoch", name=op.f("pk_restoration")),
    )

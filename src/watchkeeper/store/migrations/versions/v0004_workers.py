"""Workers that know of each other, and the claims they have."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "worker",
        sa.Column("fence", schema.Serial, nullable=False),
        sa.Column("id", sa.String(length=100), nullable=False),
        sa.Column("host", sa.String(length=200), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("processes", sa.String(length=64), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("executor", sa.String(length=64), nullable=False),
        sa.Column("beat", sa.Integer(), nullable=False),
        sa.Column("entered_at", schema.Instant(), nullable=False),
        sa.Column("seen_at", schema.Instant(), nullable=False),
        sa.Column("closed_at", schema.Instant(), nullable=True),
        sa.Column("sentence", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("fence", name=op.f("pk_worker")),
        sa.UniqueConstraint("id", name=op.f("uq_worker_id")),
    )
    op.create_index("ix_worker_closed", "worker", ["closed_at"], unique=False)
    op.create_table(
        "claim",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("worker", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_claim")),
    )
    op.create_index("ix_claim_worker", "claim", ["worker"], unique=False)

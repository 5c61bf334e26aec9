"""The public page: what is written for it, what is announced, and who asked to be told."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables of the public page."""
    op.create_table(
        "public_post",
        sa.Column("id", schema.Serial, nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("progress", sa.String(length=20), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_post")),
    )
    op.create_index("ix_public_post_incident", "public_post", ["incident_id", "at"])
    op.create_table(
        "public_maintenance",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("components", schema.Json, nullable=False),
        sa.Column("begins_at", schema.Instant(), nullable=False),
        sa.Column("ends_at", schema.Instant(), nullable=False),
        sa.Column("announced_at", schema.Instant(), nullable=False),
        sa.Column("author", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_maintenance")),
    )
    op.create_index("ix_public_maintenance_ends_at", "public_maintenance", ["ends_at"])
    op.create_table(
        "public_subscriber",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("address", sa.String(length=500), nullable=False),
        sa.Column("token", sa.String(length=100), nullable=False),
        sa.Column("asked_at", schema.Instant(), nullable=False),
        sa.Column("confirmed_at", schema.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_public_subscriber")),
        sa.UniqueConstraint("address", name=op.f("uq_public_subscriber_address")),
        sa.UniqueConstraint("token", name=op.f("uq_public_subscriber_token")),
    )
    op.create_index("ix_public_subscriber_asked_at", "public_subscriber", ["asked_at"])
    op.create_table(
        "public_told",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_public_told")),
    )

"""Alerts that others send: what was last heard of each, and whom their alerts follow."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table of reports; an alert says who sent it, what it means in the book and whether it leads."""
    op.add_column("alert", sa.Column("source", sa.String(length=100), nullable=True))
    op.add_column("alert", sa.Column("threshold", sa.String(length=200), nullable=True))
    op.add_column("alert", sa.Column("grouped", sa.String(length=200), nullable=True))
    op.add_column("alert", sa.Column("route", sa.String(length=100), nullable=True))
    op.add_column("alert", sa.Column("lead", sa.Integer(), server_default="1", nullable=False))
    op.add_column("alert", sa.Column("stale_at", schema.Instant(), nullable=True))
    op.drop_index("ix_alert_incident", "alert")
    op.create_index("ix_alert_incident", "alert", ["incident_id", "ended_at", "id"])
    leads = sa.text("lead = 1")
    op.create_index("ix_alert_lead", "alert", ["incident_id"], sqlite_where=leads, postgresql_where=leads)
    op.create_table(
        "report",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=100), nullable=False),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("began_at", schema.Instant(), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("heard_at", schema.Instant(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("alert_id", sa.String(length=40), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("labels", schema.Json, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_report")),
    )
    op.create_index("ix_report_heard", "report", ["source", "status", "heard_at"])

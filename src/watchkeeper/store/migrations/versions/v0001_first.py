"""The first schema."""

import sqlalchemy as sa
from alembic import op

from watchkeeper.store import schema

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make every table of the first release."""
    op.create_table(
        "alert",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("component", sa.String(length=200), nullable=True),
        sa.Column("severity", sa.String(length=50), nullable=True),
        sa.Column("breached_at", schema.Instant(), nullable=False),
        sa.Column("fired_at", schema.Instant(), nullable=False),
        sa.Column("ended_at", schema.Instant(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=True),
        sa.Column("explained_by", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alert")),
    )
    op.create_index("ix_alert_incident", "alert", ["incident_id"], unique=False)
    op.create_index("ix_alert_open", "alert", ["ended_at", "key"], unique=False)
    op.create_table(
        "attempt",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("act", sa.String(length=30), nullable=False),
        sa.Column("n", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("boot_id", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("risk", sa.String(length=10), nullable=False),
        sa.Column("begun_at", schema.Instant(), nullable=False),
        sa.Column("outcome", schema.Json, nullable=True),
        sa.Column("ended_at", schema.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("run_id", "act", "n", name=op.f("pk_attempt")),
    )
    op.create_table(
        "book",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_book")),
    )
    op.create_table(
        "brake",
        sa.Column("name", sa.String(length=50), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_brake")),
    )
    op.create_table(
        "due",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=50), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("body", schema.Json, nullable=False),
        sa.Column("claimed_by", sa.String(length=100), nullable=True),
        sa.Column("lease_until", schema.Instant(), nullable=True),
        sa.Column("done_at", schema.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_due")),
    )
    op.create_index("ix_due_open", "due", ["done_at", "at"], unique=False)
    op.create_index("ix_due_subject", "due", ["subject"], unique=False)
    op.create_table(
        "flip",
        sa.Column("id", schema.Serial, nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("before", sa.String(length=10), nullable=False),
        sa.Column("after", sa.String(length=10), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("taken", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flip")),
    )
    op.create_index("ix_flip_taken", "flip", ["taken", "id"], unique=False)
    op.create_table(
        "incident",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("service", sa.String(length=100), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("severity", sa.String(length=50), nullable=True),
        sa.Column("status", sa.String(length=20), nullable=False),
        sa.Column("cause", sa.String(length=200), nullable=True),
        sa.Column("began_at", schema.Instant(), nullable=False),
        sa.Column("opened_at", schema.Instant(), nullable=False),
        sa.Column("acknowledged_at", schema.Instant(), nullable=True),
        sa.Column("acknowledged_by", sa.String(length=200), nullable=True),
        sa.Column("recovered_at", schema.Instant(), nullable=True),
        sa.Column("resolved_at", schema.Instant(), nullable=True),
        sa.Column("procedure_id", sa.String(length=300), nullable=True),
        sa.Column("because", sa.Text(), server_default="", nullable=False),
        sa.Column("book", sa.String(length=64), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incident")),
    )
    op.create_index("ix_incident_status", "incident", ["status", "opened_at"], unique=False)
    op.create_table(
        "lease",
        sa.Column("component", sa.String(length=200), nullable=False),
        sa.Column("holder", sa.String(length=100), nullable=False),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("until", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("component", name=op.f("pk_lease")),
    )
    op.create_table(
        "ledger",
        sa.Column("seq", schema.Serial, autoincrement=False, nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=100), nullable=False),
        sa.Column("subject", sa.String(length=200), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("body", schema.Json, nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_ledger")),
    )
    op.create_table(
        "ledger_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", schema.Serial, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ledger_head")),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.String(length=200), nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=True),
        sa.Column("person", sa.String(length=100), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("next_at", schema.Instant(), nullable=False),
        sa.Column("lease_until", schema.Instant(), nullable=True),
        sa.Column("sent_at", schema.Instant(), nullable=True),
        sa.Column("channel", sa.String(length=50), nullable=True),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_incident", "outbox", ["incident_id"], unique=False)
    op.create_index("ix_outbox_state", "outbox", ["state", "next_at"], unique=False)
    op.create_table(
        "review",
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("path", sa.Text(), nullable=False),
        sa.Column("markdown", sa.Text(), nullable=False),
        sa.Column("measures", schema.Json, nullable=False),
        sa.PrimaryKeyConstraint("incident_id", name=op.f("pk_review")),
    )
    op.create_table(
        "run",
        sa.Column("id", sa.String(length=40), nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=True),
        sa.Column("procedure_id", sa.String(length=300), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("component", sa.String(length=200), nullable=True),
        sa.Column("severity", sa.String(length=50), nullable=True),
        sa.Column("target", sa.String(length=100), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("plan", schema.Json, nullable=False),
        sa.Column("book", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("sentence", sa.Text(), server_default="", nullable=False),
        sa.Column("started_at", schema.Instant(), nullable=False),
        sa.Column("ended_at", schema.Instant(), nullable=True),
        sa.Column("judged", sa.Integer(), server_default="0", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run")),
    )
    op.create_index("ix_run_incident", "run", ["incident_id"], unique=False)
    op.create_index("ix_run_state", "run", ["state"], unique=False)
    op.create_table(
        "run_event",
        sa.Column("run_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("act", sa.String(length=30), nullable=True),
        sa.Column("body", schema.Json, nullable=False),
        sa.PrimaryKeyConstraint("run_id", "seq", name=op.f("pk_run_event")),
    )
    op.create_table(
        "sample",
        sa.Column("id", schema.Serial, nullable=False),
        sa.Column("signal", sa.String(length=100), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("took_s", sa.Float(), nullable=False),
        sa.Column("readings", schema.Json, nullable=False),
        sa.Column("problem", sa.Text(), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sample")),
    )
    op.create_index("ix_sample_signal_at", "sample", ["signal", "at"], unique=False)
    op.create_table(
        "session",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("csrf", sa.String(length=64), nullable=False),
        sa.Column("made_at", schema.Instant(), nullable=False),
        sa.Column("expires_at", schema.Instant(), nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_session")),
    )
    op.create_table(
        "standing",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("signal", sa.String(length=100), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", schema.Instant(), nullable=False),
        sa.Column("breached_since", schema.Instant(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_standing")),
    )
    op.create_table(
        "timeline",
        sa.Column("id", schema.Serial, nullable=False),
        sa.Column("incident_id", sa.String(length=40), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("at", schema.Instant(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("sentence", sa.Text(), nullable=False),
        sa.Column("body", schema.Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timeline")),
        sa.UniqueConstraint("incident_id", "seq", name=op.f("uq_timeline_incident_id_seq")),
    )
    op.create_table(
        "token",
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("role", sa.String(length=20), server_default="owner", nullable=False),
        sa.Column("made_at", schema.Instant(), nullable=False),
        sa.Column("expires_at", schema.Instant(), nullable=False),
        sa.Column("used_at", schema.Instant(), nullable=True),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_token")),
    )

"""The rows of runs: the run, its log, the attempts (intent before, outcome after), leases and brakes."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text

from watchkeeper.store.schema import Instant, Json, metadata

runs = Table(
    "run",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("incident_id", String(40)),
    Column("procedure_id", String(300), nullable=False),
    Column("title", Text, nullable=False),
    Column("component", String(200)),
    Column("severity", String(50)),
    Column("target", String(100), nullable=False),
    Column("actor", String(200), nullable=False),
    #: the plan as JSON: a run goes on under the book it was started from
    Column("plan", Json, nullable=False),
    Column("book", String(64), nullable=False),
    Column("state", String(20), nullable=False),
    Column("sentence", Text, nullable=False, server_default=""),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    #: 1 once the verify chapter has judged it
    Column("judged", Integer, nullable=False, server_default="0"),
    Index("ix_run_incident", "incident_id"),
    Index("ix_run_state", "state"),
)

events = Table(
    "run_event",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("seq", Integer, primary_key=True, autoincrement=False),
    Column("at", Instant, nullable=False),
    Column("kind", String(30), nullable=False),
    Column("actor", String(200), nullable=False),
    Column("act", String(30)),
    Column("body", Json, nullable=False),
)

attempts = Table(
    "attempt",
    metadata,
    Column("run_id", String(40), primary_key=True),
    Column("act", String(30), primary_key=True),
    Column("n", Integer, primary_key=True, autoincrement=False),
    #: process that began it, and the boot of the machine it began on
    Column("owner", String(100), nullable=False),
    Column("boot_id", String(64), nullable=False),
    #: digest of rendered text + inputs + target: what was meant
    Column("digest", String(64), nullable=False),
    Column("risk", String(10), nullable=False),
    Column("begun_at", Instant, nullable=False),
    Column("outcome", Json),
    Column("ended_at", Instant),
)

leases = Table(
    "lease",
    metadata,
    Column("component", String(200), primary_key=True),
    Column("holder", String(100), nullable=False),
    Column("fence", BigInteger, nullable=False),
    Column("until", Instant, nullable=False),
)

brakes = Table(
    "brake",
    metadata,
    #: "halt" stops everything automatic
    Column("name", String(50), primary_key=True),
    Column("at", Instant, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("why", Text, nullable=False),
)

"""The rows of reviews."""

from __future__ import annotations

from sqlalchemy import Column, String, Table, Text

from watchkeeper.store.schema import Instant, Json, metadata

reviews = Table(
    "review",
    metadata,
    Column("incident_id", String(40), primary_key=True),
    Column("at", Instant, nullable=False),
    #: path of the Markdown file, relative to the state folder
    Column("path", Text, nullable=False),
    Column("markdown", Text, nullable=False),
    #: detection_s, opening_s, recovery_s … as measured
    Column("measures", Json, nullable=False),
)

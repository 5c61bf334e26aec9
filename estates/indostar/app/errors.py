"""Errors go to the tracker, through its own client."""

from __future__ import annotations

import os

import sentry_sdk

from app.core.config import RELEASE


def begin(part: str) -> None:
    """Report what nobody caught, from here on."""
    if dsn := os.environ.get("SENTRY_DSN"):
        sentry_sdk.init(dsn, release=RELEASE, environment="production", server_name=part, auto_session_tracking=False)

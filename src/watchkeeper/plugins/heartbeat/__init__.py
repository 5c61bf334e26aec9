"""Heartbeats: jobs that say that they ran."""

"""Temporal as the durable engine."""

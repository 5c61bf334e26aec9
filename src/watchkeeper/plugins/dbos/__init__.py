"""DBOS as the durable engine."""

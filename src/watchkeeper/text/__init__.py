"""Markdown read into blocks that remember their lines; knows nothing of runbooks."""

"""Containers as targets, through the docker command line, and as signals, through the API of their engine."""

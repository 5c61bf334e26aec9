"""Containers as targets, through the docker command line."""

"""Certificates as signals: served by a port, or in a file."""

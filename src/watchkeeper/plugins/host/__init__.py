"""Hosts as signals: this machine, or one at the end of a configured target."""

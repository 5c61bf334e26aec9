"""Hosts over SSH as targets."""

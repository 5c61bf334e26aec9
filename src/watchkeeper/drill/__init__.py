"""Drills: an estate is broken on purpose, and what its runbook makes of that is measured against what was expected."""

"""Trackers of work: GitHub issues, Jira, or whoever takes JSON."""

"""Slack: its Web API, its signed requests and its blocks."""

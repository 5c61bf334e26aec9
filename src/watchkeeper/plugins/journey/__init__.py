"""Journeys of several HTTP steps."""

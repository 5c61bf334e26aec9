"""StatsD."""

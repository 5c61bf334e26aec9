"""Programs under supervisord as signals."""

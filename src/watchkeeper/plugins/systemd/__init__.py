"""Units of systemd as signals."""

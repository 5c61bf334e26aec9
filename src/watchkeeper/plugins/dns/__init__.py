"""Names as signals: what a DNS server answers."""

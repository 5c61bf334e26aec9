"""Whether the senders of alerts still deliver, and what of it is refused."""

"""Chat rooms: an incident's own channel, what is written into it, and what people say and press there."""

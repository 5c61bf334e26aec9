"""The shop: a catalogue, sessions, orders, payments and a rewards program."""

"""A command whose exit status and output are readings."""

"""Numbers that programs push to us."""

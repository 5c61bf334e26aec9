"""IndoStar Naturals: a small shop."""

"""Several targets as one: the same act on each, in order, a few at a time."""

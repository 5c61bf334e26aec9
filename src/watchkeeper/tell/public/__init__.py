"""What the public is told: the status page, and those who asked to be told of its news."""

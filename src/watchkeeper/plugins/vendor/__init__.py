"""Status pages of vendors."""

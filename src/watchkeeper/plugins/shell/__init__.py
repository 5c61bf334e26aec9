"""The local shell as a target."""

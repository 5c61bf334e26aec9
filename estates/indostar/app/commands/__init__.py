"""Things to be done by hand, as `python -m app.commands.NAME`."""

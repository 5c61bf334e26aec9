"""The same shop and console as for the pages."""

from __future__ import annotations

import importlib.util
from pathlib import Path

_spec = importlib.util.spec_from_file_location("console_world", Path(__file__).parents[1] / "web" / "conftest.py")
assert _spec is not None
assert _spec.loader is not None
_world = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(_world)

clock, app, visitor, anna, csrf, caller = _world.clock, _world.app, _world.visitor, _world.anna, _world.csrf, _world.caller

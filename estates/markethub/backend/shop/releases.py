"""What differs from release to release: the module of `releases/` that is called after the one that runs."""

import importlib

from django.conf import settings

release = importlib.import_module("releases.r" + settings.RELEASE.replace(".", ""))

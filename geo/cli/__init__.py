"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

from importlib import import_module
from pkgutil import iter_modules

from geo.cli.common import main

# every module of this folder brings its verbs
for _room in iter_modules(__path__):
    import_module(f"{__name__}.{_room.name}")

__all__ = ["main"]

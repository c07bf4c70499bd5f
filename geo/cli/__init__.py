"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

import sys
from importlib import import_module
from pkgutil import iter_modules

from geo.errors import STOPPED, STOPPED_CODE

try:
    from geo.cli.common import main

    # every module of this folder brings its verbs
    for _room in iter_modules(__path__):
        import_module(f"{__name__}.{_room.name}")
except KeyboardInterrupt:  # the libraries take a second to load: stopping then is no error of theirs
    print(f"geo: {STOPPED}", file=sys.stderr)
    raise SystemExit(STOPPED_CODE) from None

__all__ = ["main"]

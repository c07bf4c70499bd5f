"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

import sys
from importlib import import_module

from geo.errors import STOPPED, STOPPED_CODE

try:
    from geo.cli.common import main

    for _name in ("archive", "figures", "incidents", "outputs", "support", "texts"):  # those that bring verbs
        import_module(f"{__name__}.{_name}")
except KeyboardInterrupt:  # the libraries take a second to load: stopping then is no error of theirs
    print(f"geo: {STOPPED}", file=sys.stderr)
    raise SystemExit(STOPPED_CODE) from None

__all__ = ["main"]

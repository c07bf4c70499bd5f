"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

from geo.cli import brief, dates, desk, figures, movie, pages, places, records
from geo.cli.common import main

__all__ = ["brief", "dates", "desk", "figures", "main", "movie", "pages", "places", "records"]

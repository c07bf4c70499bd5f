"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

from geo.cli import brief, dates, figures, movie, pages, records, support
from geo.cli.common import main

__all__ = ["brief", "dates", "figures", "main", "movie", "pages", "records", "support"]

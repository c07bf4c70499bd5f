"""The command line: every verb is one call of the package, printed as a table, CSV or JSON."""

from geo.cli import brief, compare, dates, desk, figures, movie, pages, records, rules
from geo.cli.common import main

__all__ = ["brief", "compare", "dates", "desk", "figures", "main", "movie", "pages", "records", "rules"]

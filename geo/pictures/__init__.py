"""Pictures without a browser: maps, charts, moving pictures."""

"""geo-control: dated maps of territorial control, their areas and changes, from one archive."""

from __future__ import annotations

__version__ = "0.1.0"

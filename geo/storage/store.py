"""The archive's file and its tables: reading, writing, and frames out of every layer."""

from __future__ import annotations

from geo.storage.control import ControlTable
from geo.storage.incidents import IncidentTable
from geo.storage.records import RecordTables
from geo.storage.units import UnitTable


class Store(ControlTable, IncidentTable, UnitTable, RecordTables):
    """The tables of one archive file. Reading opens a connection of its own; writing goes through `writing`."""

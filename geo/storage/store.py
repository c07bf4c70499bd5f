"""The archive's file and its tables: reading, writing, and frames out of every layer."""

from __future__ import annotations

import sqlite3

from geo.storage import qgis_styles
from geo.storage.control_layer import ControlTable
from geo.storage.incident_layer import IncidentTable
from geo.storage.plain_tables import RecordTables
from geo.storage.unit_layer import UnitTable


class Store(ControlTable, IncidentTable, UnitTable, RecordTables):
    """The tables of one archive file. Reading opens a connection of its own; writing goes through `writing`."""

    def _put_styles(self, connection: sqlite3.Connection, *, now: str) -> None:
        qgis_styles.put_default_styles(connection, now=now)

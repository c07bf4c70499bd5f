"""What its owner enters into an archive and takes back: accuracy, rules against harm, corrections, retractions."""

from __future__ import annotations

import json

import geopandas as gpd
import pandas as pd

from geo.archive import correction_queries
from geo.archive.base import Opened, held
from geo.archive.results import When
from geo.archive.safety_rules import rule_of
from geo.errors import UsageError
from geo.storage import snapshots as history


class Entries(Opened):
    """What is set by hand, and what later recordings changed or took back."""

    def set_accuracy(self, source: str, accuracy_km: float | None) -> None:
        """Keep how far a source's drawn lines may be off, in km; None is not known.

        Raises
        ------
        SourceError
            The source is not there.
        UsageError
            The accuracy is not above 0.
        """
        if accuracy_km is not None and not 0 < accuracy_km < 1000:
            raise UsageError(f"an accuracy of {accuracy_km:g} km: give a distance above 0")
        with self.store.writing() as connection:
            self.store.put_accuracy(connection, self.source_name(source), accuracy_km)

    def rules(self) -> pd.DataFrame:
        """The rules against harm that every answer has passed: kind, value, source, event_type, places, set_at.

        Raises
        ------
        ArchiveError
            The archive cannot be read.
        """
        rows = self.store.rules()
        columns = ["kind", "value", "source", "event_type", "places", "set_at"]
        table = pd.DataFrame(rows, columns=columns, dtype=object)
        counts = [None if p is None else len(json.loads(p)) for p in table["places"]]
        return table.assign(places=pd.Series(counts, dtype=object))

    def set_rule(
        self,
        kind: str,
        value: str,
        *,
        source: str | None = None,
        event_type: str | None = None,
        places: gpd.GeoDataFrame | None = None,
    ) -> None:
        """Set a rule against harm, in place of the one of its kind for the same source and event type.

        Parameters
        ----------
        kind : {"embargo", "coarsen", "withhold"}
            Nothing newer than so many hours; incidents placed no more exactly; fields of incidents left out.
        value : str
            Hours; ``settlement``, ``grid:5km`` or ``grid:0.1deg``; fields by commas.
        source, event_type : str or None
            Whose rows (a source of control, a dataset of incidents), and which events; None is all.
        places : geopandas.GeoDataFrame or None
            The settlements, as `Archive.settlements` takes them; None is the shipped basemap's towns.

        Raises
        ------
        UsageError
            The kind or the value is none of these.
        ArchiveError
            The archive cannot be written.
        """
        rule = rule_of(kind, value, source=source, event_type=event_type, places=places)
        with self.store.writing() as connection:
            values = (rule.kind, rule.value, rule.source, rule.event_type, rule.places)
            self.store.put_rule(connection, values, history.next_instant(connection))

    def lift_rules(self, kind: str | None = None, *, source: str | None = None, event_type: str | None = None) -> int:
        """Lift the rules for a source and event type (None: those for all), of one kind or every one; how many.

        Raises
        ------
        ArchiveError
            The archive cannot be written.
        """
        with self.store.writing() as connection:
            return self.store.drop_rules(connection, kind=kind, source=source, event_type=event_type)

    def retract(self, snapshot: str, *, why: str) -> None:
        """Take a wrong import back; what the archive said until now stays on record.

        Parameters
        ----------
        snapshot : str
            Its name, as `snapshots` and every figure give it.
        why : str
            Kept with it.

        Raises
        ------
        ArchiveError
            There is no such snapshot, or it was taken back before.
        UsageError
            No reason is given.
        """
        if not why.strip():
            raise UsageError("say why the snapshot is taken back: the reason stays on record")
        with self.store.writing() as connection:
            history.retract(connection, snapshot, why=why)

    @held
    def corrections(
        self, *, source: str | None = None, since: When | None = None, as_known_on: When | None = None
    ) -> pd.DataFrame:
        """What later recordings changed for dates that were on record already, and what was taken back.

        Parameters
        ----------
        source : str or None
            One source's alone.
        since : str, date, datetime or None
            Those recorded at or after this; None is all.
        as_known_on : str, date, datetime or None
            Those recorded by then.

        Returns
        -------
        pandas.DataFrame
            A row for each class that changed: source, part, depicts, published, retrieved, change (``corrected`` or
            ``taken back``), corrected_at, earlier_snapshot, later_snapshot, controller, status, before_km2, after_km2,
            gained_km2, lost_km2, net_km2 (what the archive said of the depicted instant just before and just after),
            why. A recording that changed no ground has one row of zeros. In the order of recording.

        Raises
        ------
        GateError
            A date cannot be read.
        SourceError
            The source is not there.
        """
        return correction_queries.corrections(self._reader, source=source, since=since, as_known_on=as_known_on)[0]

    @held
    def corrected_ground(
        self, *, source: str | None = None, since: When | None = None, as_known_on: When | None = None
    ) -> gpd.GeoDataFrame:
        """The polygons of `corrections`: what a class gained and lost between the earlier and the later recording.

        Returns
        -------
        geopandas.GeoDataFrame
            source, part, depicts, published, retrieved, corrected_at, earlier_snapshot, later_snapshot, controller,
            status, change (``gained`` or ``lost``), area_km2, geometry (EPSG:4326).

        Raises
        ------
        GateError
            A date cannot be read.
        SourceError
            The source is not there.
        """
        return correction_queries.corrections(self._reader, source=source, since=since, as_known_on=as_known_on)[1]

    @held
    def correction_notes(self, *snapshots: str, as_known_on: When | None = None) -> list[str]:
        """What was corrected of these snapshots or by them, in sentences with km² by class.

        Raises
        ------
        GateError
            `as_known_on` cannot be read.
        """
        table, _ = correction_queries.corrections(self._reader, as_known_on=as_known_on, snapshots=snapshots)
        return correction_queries.correction_words(table)

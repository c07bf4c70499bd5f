CREATE INDEX control_by_time ON control (source, valid_from, valid_to)
CREATE INDEX control_by_shape ON control (shape)
-- what stands behind a polygon in its row is read through it, all of it: who is on record is told by an index alone
CREATE INDEX control_by_side ON control (controller, source)
CREATE INDEX control_superseded_by_side ON control_superseded (controller, shape)
CREATE INDEX control_superseded_by_shape ON control_superseded (shape)
CREATE INDEX snapshots_by_time ON snapshots (source, part, depicts)
CREATE INDEX snapshots_by_hash ON snapshots (sha256)
CREATE INDEX incidents_by_date ON incidents (date_start, event_type)
-- the few that last longer than a day; all others are found by the day on which they begin
CREATE INDEX incidents_lasting ON incidents (date_end, date_start) WHERE date_end > date_start
CREATE INDEX incidents_by_set ON incidents (dataset, date_start, date_end)
CREATE INDEX incidents_by_id ON incidents (dataset, event_id)
CREATE INDEX units_by_code ON units (unit)
CREATE INDEX settlements_by_place ON settlements (source, place)
CREATE INDEX settlements_before ON settlements_superseded (source, superseded_at)

"""Incidents in the archive: out again in the field's shapes, against control, and beside each other."""

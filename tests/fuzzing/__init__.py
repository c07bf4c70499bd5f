"""Mutated files for every reader: what may come of them is success or a GeoError, soon and within bounds."""

"""Files of any kind to geometries and rows, each kind by its one door."""

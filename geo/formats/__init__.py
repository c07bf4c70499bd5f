"""Files to geometries and rows."""

"""The GeoPackage: its tables, what they remember, and the transactions around them."""

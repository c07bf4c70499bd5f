"""Check, repair and back up an archive."""

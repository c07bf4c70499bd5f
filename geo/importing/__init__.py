"""Source files into the archive."""

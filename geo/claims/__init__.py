"""Claims: published figures as records, read from sentences, and held against the archive."""

"""Place names to coordinates."""

"""A whole series at the cost of what changed: boundary edges that are born and die."""

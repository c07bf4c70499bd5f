"""A briefing: what it says, gathered once, and its writers."""

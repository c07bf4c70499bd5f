"""A briefing's text into drafts of incidents, and the drafts that a person confirmed into the archive."""

"""HTML pages that need no network: the dated map, the timeline, two dates."""

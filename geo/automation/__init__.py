"""The desk's day: fetching what is new, then every output in one run."""

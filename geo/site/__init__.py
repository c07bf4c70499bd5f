"""The static site of an archive: its pages, downloads, cards and feed, built by what changed."""

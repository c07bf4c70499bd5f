"""Briefings in every format."""

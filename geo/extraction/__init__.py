"""Briefings to drafts of incidents and claims."""

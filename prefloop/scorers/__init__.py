"""Scorers: text in, one number per response out; one kind per file."""

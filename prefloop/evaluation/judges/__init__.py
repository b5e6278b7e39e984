"""Judges: which of two responses to a prompt is better."""

"""Experiments: what they vary, what they share, what they found."""

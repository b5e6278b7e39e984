"""Figures of a run as typed records: what evaluation and training write, and how it reads."""

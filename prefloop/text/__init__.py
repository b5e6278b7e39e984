"""Measures of plain text: words, overlap with a source, repetition, ROUGE."""

"""Texts as they come in files, and measures of them: words, overlap, repetition, ROUGE."""

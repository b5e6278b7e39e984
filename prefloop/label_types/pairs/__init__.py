"""Pairs: the labeler chooses the better of two samples."""

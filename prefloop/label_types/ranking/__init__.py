"""Ranking: the labeler orders all samples, the best first."""

"""The reward model: comparisons in, a number for each response out."""

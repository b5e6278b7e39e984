"""The labeling page's interface."""

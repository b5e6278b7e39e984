"""State that requests share: caches, limits, measurements."""

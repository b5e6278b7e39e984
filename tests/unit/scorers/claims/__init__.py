"""Claims against their source."""

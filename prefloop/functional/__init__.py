"""Every formula: pure, typed with shapes, without settings."""

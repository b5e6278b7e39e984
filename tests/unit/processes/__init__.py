"""Several processes: one of them leads, the others help."""

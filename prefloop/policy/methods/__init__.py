"""One file per way to improve a policy."""

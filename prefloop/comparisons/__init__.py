"""What people said about it."""

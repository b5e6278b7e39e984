"""What people want, as a number."""

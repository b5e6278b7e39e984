"""What the trainer tells, and who stopped it."""

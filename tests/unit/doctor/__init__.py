"""What the doctor says about single findings."""

"""Which questions are asked."""

"""Sets of runs that answer one question: what they vary, what they share, and what came out."""

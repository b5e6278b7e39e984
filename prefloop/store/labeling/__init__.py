"""Questions handed out, answers taken in, and what they add up to."""

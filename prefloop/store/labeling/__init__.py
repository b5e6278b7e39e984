"""The queue, assignments, answers, gold, exclusions and instructions."""

"""One run from start to end: the loop, its schedule, and who may stop it."""

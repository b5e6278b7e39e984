"""One file per module, in the same tree."""

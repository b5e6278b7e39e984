"""One test for each bug that ruins a run without a word."""

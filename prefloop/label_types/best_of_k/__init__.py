"""Best of k: the labeler chooses the best of several samples."""

"""Words, sentences and what two texts share."""

"""What labels say about labelers, questions and instructions: figures, never actions."""

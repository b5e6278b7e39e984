"""The model, made better."""

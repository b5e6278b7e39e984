"""Metrics, heartbeats and scores of the trainer, and requests to stop it."""

"""Responses of a model, drawn under the task's rules and kept in the store."""

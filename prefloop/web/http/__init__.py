"""Requests, sessions, security and errors."""

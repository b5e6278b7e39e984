"""Backups, moves, and checks of a whole store."""

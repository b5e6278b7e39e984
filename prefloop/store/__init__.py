"""The labels and everything else that must not be lost; the only place with SQL."""

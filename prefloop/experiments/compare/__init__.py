"""Finished runs side by side: may they be compared, and what came out."""

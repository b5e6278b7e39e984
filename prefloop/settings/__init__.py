"""What a run file may say: every section as frozen, strict data."""

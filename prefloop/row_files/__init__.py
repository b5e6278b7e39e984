"""Rows of files that others wrote: JSON, Parquet and `datasets` folders."""

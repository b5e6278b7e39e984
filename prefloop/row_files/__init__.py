"""Rows of files that others wrote: JSON, tables, Parquet and `datasets` folders."""

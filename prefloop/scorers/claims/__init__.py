"""Claims against their source: what in a sentence of a summary the source does not bear out."""

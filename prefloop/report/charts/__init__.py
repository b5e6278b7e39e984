"""Charts as SVG: one kind of chart per file."""

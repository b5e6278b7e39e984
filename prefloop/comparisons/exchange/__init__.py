"""Labels from and for other programs: one file per format."""

"""People, instructions, gold questions and exclusions."""

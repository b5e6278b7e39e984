"""What a synthetic labeler can like, and what a judge can go by: one scorer per file."""

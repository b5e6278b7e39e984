"""Numbers from outside the code, and the scripts that made them."""

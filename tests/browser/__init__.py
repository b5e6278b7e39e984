"""A person's path through the pages, in a real browser, on a real server with a real store."""

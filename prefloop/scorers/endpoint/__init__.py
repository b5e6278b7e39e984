"""A client for OpenAI-compatible chat endpoints, shared by a scorer and a judge."""

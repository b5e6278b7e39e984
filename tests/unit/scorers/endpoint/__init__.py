"""Tests of the client for chat endpoints, against a server of their own."""

"""Tests of the pages and the interface for programs."""

"""Tests: unit, property, golden, wrong twins, silent bugs, whole runs."""

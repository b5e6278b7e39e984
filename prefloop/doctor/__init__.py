"""Looks a run over, stage by stage, and says which one is bad and why."""

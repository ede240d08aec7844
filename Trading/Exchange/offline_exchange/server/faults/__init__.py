"""Faults on demand: their script, when they strike and what they do."""

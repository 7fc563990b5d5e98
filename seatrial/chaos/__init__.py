"""Faults that are done on purpose, each with its undo, a proof that it took effect, and one that nothing is left."""

"""Faults that are done on purpose, each with its undo and the proofs that it took effect and that nothing of it is left."""

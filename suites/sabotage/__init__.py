"""Sabotage: controls taken away on purpose, each beside the scenario that has to go red for it."""

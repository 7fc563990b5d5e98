"""What a run leaves behind: a journal and artefacts in a run directory, and the ways to read them."""

from seatrial.evidence.store import RunDirectory, latest_run, load_run, retained, retire

__all__ = ["RunDirectory", "latest_run", "load_run", "retained", "retire"]

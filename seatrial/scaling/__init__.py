"""How an autoscaler reacts to load: when each part of that was done, by whom, and why."""

from seatrial.scaling.following import Following, following
from seatrial.scaling.reaction import Part, Reaction, Span

__all__ = ["Following", "Part", "Reaction", "Span", "following"]

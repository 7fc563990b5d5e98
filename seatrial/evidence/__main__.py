"""``python -m seatrial.evidence [RUN]`` prints the last run, or the one in the folder RUN, again."""

import sys

import typer

from seatrial.errors import UsageError
from seatrial.evidence.commands import report

if __name__ == "__main__":
    try:
        typer.run(report)
    except UsageError as error:
        print(f"seatrial: {error}", file=sys.stderr)  # noqa: T201 (a command's one sentence)
        sys.exit(2)

"""``python -m seatrial.audit BUNDLE`` verifies a bundle; it needs the standard library and `cryptography`, no more."""

from __future__ import annotations

import argparse
import os
import re
import sys
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from seatrial.audit.container import LIMIT
from seatrial.audit.keys import trusted_folder, trusted_keys
from seatrial.audit.refusal import NotVerified
from seatrial.audit.verify import Expected, describe, verify
from seatrial.errors import UsageError
from seatrial.truth import TruthLabel

if TYPE_CHECKING:
    from collections.abc import Sequence

_VERIFIED, _REFUSED, _BAD_INPUT = 0, 1, 2


def main(arguments: Sequence[str] | None = None, program: str = "python -m seatrial.audit") -> int:
    """Verify the bundle that *arguments* name, print what was found, and return the exit code.

    0: verified, and the gate is open; 1: not verified, or not passed. Raises UsageError for bad input, and ends with 2
    for arguments that make no sense.
    """
    options = _parser(program).parse_args(arguments)
    content = _read(_path(options.bundle))
    trusted = trusted_keys([_path(file) for file in options.key])
    expected = Expected(
        run=options.run,
        commit=options.commit,
        challenge=options.challenge,
        not_older_than=options.not_older_than,
        target=options.target,
        label=options.label,
    )
    try:
        found = verify(content, trusted, expected)
    except NotVerified as refusal:
        sys.stderr.write(f"seatrial: {options.bundle} is not verified: {_printable(str(refusal))}.\n")
        if "unknown key" in str(refusal):
            place = trusted_folder() / "NAME.pem"
            sys.stderr.write(f"If you trust that signer, put their public key into {place}, or give it with --key.\n")
        return _REFUSED
    for line in describe(found, everything=options.all):
        sys.stdout.write(line + "\n")
    return _VERIFIED if found.record.opens_gate else _REFUSED


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        allow_abbrev=False,
        description="Verify a bundle offline: who signed it, that nothing was changed, and that each verdict follows.",
        epilog="Exit codes: 0 verified and the gate is open, 1 not verified or not passed, 2 bad input.",
    )
    parser.add_argument("bundle", metavar="BUNDLE", help="the file, RUN.seatrial")
    parser.add_argument(
        "--key",
        action="append",
        default=[],
        metavar="FILE",
        help="trust this public key, and no other; may be repeated",
    )
    parser.add_argument("--run", metavar="ID", help="demand that it is of this run")
    parser.add_argument("--commit", type=_commit, metavar="SHA", help="demand that this commit was run, unchanged")
    parser.add_argument("--challenge", metavar="TEXT", help="demand that the run was started with this challenge")
    parser.add_argument("--not-older-than", type=_hours, metavar="HOURS", help="demand that it ended that lately")
    parser.add_argument("--target", metavar="NAME", help="demand that it ran on this target")
    parser.add_argument(
        "--label", choices=[str(label) for label in TruthLabel], help="demand that its target is of this kind"
    )
    parser.add_argument("--all", action="store_true", help="list each step that rests on its own word")
    return parser


def _commit(text: str) -> str:
    if not re.fullmatch(r"[0-9a-f]{40}|[0-9a-f]{64}", text):
        raise argparse.ArgumentTypeError(f"{text!r} is no whole commit: give all its 40 digits")
    return text


def _hours(text: str) -> timedelta:
    try:
        hours = timedelta(hours=float(text))
    except (ValueError, OverflowError):
        hours = timedelta(0)
    if hours <= timedelta(0):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of hours: give one such as 24")
    return hours


def _path(text: str) -> Path:
    # nox starts its commands in the project's folder, whatever folder the person was in.
    return Path(os.environ.get("SEATRIAL_INVOKED_FROM", "."), text)


def _read(file: Path) -> bytes:
    try:
        if file.stat().st_size > 2 * LIMIT:
            raise UsageError(f"{file} is larger than any bundle: give the file that `seatrial bundle` wrote.")
        return file.read_bytes()
    except OSError as error:
        raise UsageError(
            f"The bundle {file} cannot be read ({error.strerror}): give the file that `seatrial bundle` wrote."
        ) from error


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except UsageError as problem:
        sys.stderr.write(f"seatrial: {problem}\n")
        sys.exit(_BAD_INPUT)

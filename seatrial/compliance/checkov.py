"""Running checkov, which pins what it needs so hard that it gets an environment of its own."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from seatrial.compliance.findings import read_report
from seatrial.toolchain.places import cache_directory

if TYPE_CHECKING:
    from collections.abc import Mapping

    from seatrial.compliance.findings import Checked
    from seatrial.progress import Progress

_LOCK = "requirements/checkov.txt"
# Which files are looked at, as what.
LOOKS = {"infra/tofu": ("terraform",), ".": ("kubernetes", "dockerfile")}
_FOUND = (0, 1)  # checkov ends with 1 where it found something


class CheckovFailed(Exception):
    """It could not be installed, or ended without a report; the text holds its last words."""


def environment(root: Path, progress: Progress) -> Path:
    """Return the folder of checkov's environment, made first unless another checkout with the same pins made it.

    Raises CheckovFailed if it cannot be installed.
    """
    lock = root / _LOCK
    digest = hashlib.sha256(lock.read_bytes() + sys.version.encode()).hexdigest()[:16]
    place = cache_directory() / "checkov" / digest
    if (place / "done").is_file():
        return place
    shutil.rmtree(place, ignore_errors=True)
    with progress.phase("Installing checkov"):
        _run(["uv", "venv", "--quiet", "--python", sys.executable, str(place)])
        interpreter = str(place / "bin" / "python")
        _run(["uv", "pip", "install", "--quiet", "--python", interpreter, "--require-hashes", "-r", str(lock)])
    (place / "done").touch()
    return place


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise CheckovFailed(f"{' '.join(command[:3])} failed: {done.stderr.strip()[-2000:]}")


def look(root: Path, progress: Progress) -> tuple[Checked, ...]:
    """Let checkov look at the project in *root*; no packet is sent but for its installation. Raises CheckovFailed."""
    place = environment(root, progress)
    found: list[Checked] = []
    for folder, kinds in LOOKS.items():
        with progress.phase(f"Checking {', '.join(kinds)} files in {folder}"):
            found += (read_report(report, root) for report in _reports(place, root, folder, kinds))
    return tuple(found)


def _reports(place: Path, root: Path, folder: str, kinds: tuple[str, ...]) -> list[Mapping[str, Any]]:
    command = [str(place / "bin" / "checkov"), "--directory", str(root / folder), "--output", "json"]
    command += ["--skip-download", "--skip-path", "reports/", "--framework", *kinds]
    done = subprocess.run(
        command,
        cwd=root,
        env={**os.environ, "PATH": f"{place / 'bin'}:{os.environ.get('PATH', '')}", "LOG_LEVEL": "ERROR"},
        capture_output=True,
        text=True,
        check=False,
    )
    try:
        document = json.loads(done.stdout)
    except ValueError as error:
        raise CheckovFailed(f"checkov ended with {done.returncode}: {done.stderr.strip()[-2000:]}") from error
    if done.returncode not in _FOUND:
        raise CheckovFailed(f"checkov ended with {done.returncode}: {done.stderr.strip()[-2000:]}")
    reports: list[Mapping[str, Any]] = document if isinstance(document, list) else [document]
    return [report for report in reports if report.get("check_type") in kinds]


def project() -> Path:
    """Return the checkout that this package runs from."""
    return Path(__file__).resolve().parents[2]

"""The schema of the order service."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from reference_app.persistence.schema import Schema

SCHEMA: Final = Schema(Path(__file__).with_name("migrations"))

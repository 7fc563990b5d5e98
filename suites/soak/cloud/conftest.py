from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.getgroup("soak").addoption("--kills", type=int, default=50, help="how many times a program is killed")


def pytest_report_header(config: pytest.Config) -> str:
    return f"cloud: --kills {config.option.kills}"

"""A pytest of its own for the tests that run features in one."""

from suites.yard import refusing_api, yard

__all__ = ["refusing_api", "yard"]

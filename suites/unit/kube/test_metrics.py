"""Metrics of several replicas are added up, and chosen by name and labels."""

from __future__ import annotations

import pytest

from seatrial.kube.metrics import Metrics

_TEXT = """
# HELP http_requests_total Requests answered.
# TYPE http_requests_total counter
http_requests_total{method="GET",route="/orders",status="200"} 7.0
http_requests_total{method="POST",route="/orders",status="201"} 2.0
http_requests_total{method="GET",route="/readyz",status="200"} 100.0
"""


def test_samples_are_chosen_by_labels() -> None:
    metrics = Metrics.parse(_TEXT)

    assert metrics.total("http_requests_total", route="/orders") == 9
    assert metrics.total("http_requests_total", route="/orders", method="GET") == 7
    assert metrics.total("http_requests_total") == 109


def test_what_was_never_counted_is_zero() -> None:
    assert Metrics.parse(_TEXT).total("http_requests_total", route="/cart") == 0


def test_what_is_not_the_format_is_refused() -> None:
    with pytest.raises(ValueError, match="could not convert"):
        Metrics.parse('http_requests_total{route="/orders"} many\n')

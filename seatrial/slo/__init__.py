"""Objectives: what was observed, on how many samples, against what was asked for."""

from seatrial.slo.objective import Judgement, judge_latency, judge_success, samples_needed
from seatrial.slo.quantile import quantile

__all__ = ["Judgement", "judge_latency", "judge_success", "quantile", "samples_needed"]

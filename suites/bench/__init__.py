"""Measurements of speed and size: ratios within one run, medians, raw samples kept."""

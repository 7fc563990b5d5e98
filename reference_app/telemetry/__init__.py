"""The piece the reference services share: what a service tells about itself, and how it starts and stops.

Metrics, structured logs with a trace id, health, problem details, settings, drain, and a fault switch.
"""

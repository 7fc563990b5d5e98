"""The piece the reference services share: what a service tells about itself, and how it starts and stops.

Metrics, structured logs with a trace id, health, problem details, calls to others, settings, drain, and a fault switch.
"""

"""The open-loop generator: Locust's users, served by a schedule that waits for nobody. It runs in its own process."""

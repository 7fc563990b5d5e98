"""What pytest loads for every suite."""

pytest_plugins = ["seatrial.plugin", "steps"]

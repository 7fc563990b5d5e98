"""The AWS side of a platform: applied from code with OpenTofu, and inspected as it exists."""

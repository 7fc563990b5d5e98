"""The catalogue service: products and their categories."""

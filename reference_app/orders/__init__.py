"""The order service: orders, what becomes of them, and the saga that reserves their stock."""

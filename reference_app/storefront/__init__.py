"""The storefront: the pages that people see."""

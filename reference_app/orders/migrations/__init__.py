"""The steps by which the schema of the order service came to be, and how they are run."""

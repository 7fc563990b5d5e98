"""The steps by which the schema of the catalogue came to be, and how they are run."""

"""The gateway service: the only entry for API traffic, with sessions, files, and the way to the services behind."""

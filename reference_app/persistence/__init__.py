"""The piece that the services with a database share: settings, engines, and a schema that comes from migrations."""

"""Load generators: clients of the public API; each command prints one table."""

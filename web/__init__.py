"""The pages a browser gets: static files that use the public API only."""

"""Devices for rehearsals: plays a race through the public API. Imports no other room."""

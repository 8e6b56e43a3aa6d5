"""Puts it together and keeps it running. Knows everyone; no one knows it."""

"""The frozen v0 skin: old keys in, old keys out. Decides nothing, never changes."""

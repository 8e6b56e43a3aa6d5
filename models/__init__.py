"""Tables, their queries, and when a row is safe. Knows no caller."""

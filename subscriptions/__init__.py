"""What is heard while it happens: the bus, inboxes, feeds."""

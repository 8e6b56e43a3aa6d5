"""The rules of the sport. True with pencil and paper; imports nothing."""

"""What operations cost. Each costs one point unless it says more.

A point is 0.1 to 0.4 ms of a core where there are many of them. A look into the database for one thing takes
longer and costs one all the same: devices make many small calls.
"""

CHANGE = 10
"""Points for a transaction of its own."""
PASSINGS = 100
"""Passings that are recorded for a point; an operation's own point is for the first of them."""
REPORTS = 100
"""Telemetry reports that are stored for a point, likewise."""
SUMMED = 100
"""Telemetry reports that are read for buckets of their figures for a point."""
ROWS = 25
"""Rows that are read for a point."""
LOOKED_THROUGH = 1_000
"""Passings that are looked at for those of a bib, a chip, a number or a time, for a point."""
ENTRIES = 5
"""Participants that are judged and entered for a point."""
LINES_OF_VIEW = 150
"""Competitors that are put into a view of a leaderboard for a point, when nobody asked for it before."""
LINES_SEARCHED = 300
"""Competitors among whom is searched for a point."""
LINES_OF_RESULTS = 4
"""Competitors in results that are taken away for a point."""
LINES_EXAMINED = 20
"""Competitors who are looked at for anomalies for a point."""
LINES_COMPARED = 1
"""Competitors whose standing is computed from scratch and compared for a point."""
DOCUMENT = 2_000
"""Characters of a GraphQL document that are parsed for a point, beside one point for each document."""
FIELDS = 50
"""Fields of a GraphQL answer for a point."""
BODY = 10_000
"""Bytes of a body that are decoded for a point."""
SMALL_BODY = 2_000
"""Bytes of a body up to which nothing is paid for it."""
LOOK_UP = 5
"""Points for a document that is only named and has to be looked for, or that is to be remembered."""
START = 5
"""Points for the start of a subscription; what it tells costs nothing."""


def recording(count: int, for_a_point: int) -> float:
    """Of passings or reports."""
    return count / for_a_point if count > for_a_point else 1.0


def entering(count: int) -> float:
    """Of participants, by one operation."""
    return CHANGE + count / ENTRIES


def rows(count: int, looked_through: int = 0) -> float:
    """Of rows that were read, and places of the stream for them, beside the operation's own point."""
    return count / ROWS + looked_through / LOOKED_THROUGH


def body(length: int) -> float:
    """To be paid before it is decoded."""
    return length / BODY if length > SMALL_BODY else 0.0

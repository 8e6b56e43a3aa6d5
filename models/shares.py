"""What servers on one PostgreSQL tell each other: buckets that were emptied, places that are taken, and whose
turn it is.

Nothing of it has to last, so the tables are unlogged: they cost no write-ahead log and are empty after a
crash. The database's clock is the only one that counts, servers' own may differ. A database in a file has one
server, which neither reads nor writes any of this.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy import Connection, DateTime
from sqlmodel import SQLModel

FORGOTTEN = 10
"""Seconds after which a server that is not heard does not count any more."""
LEASE = 5
"""Seconds for which a turn is taken. Who has it takes it anew long before."""
EMPTIEST = 2_000
"""Buckets that are told in one exchange, whoever emptied them."""
LONGEST = 366 * 86_400
"""Seconds until a bucket is full: it may be a debt, but not one for ever."""


class Bucket(NamedTuple):
    """A bucket of points, and what was taken from it or what it lacks: the seconds in which that flows in."""

    kind: str
    name: str
    seconds: float


class Place(NamedTuple):
    """How many of something a name has."""

    kind: str
    name: str
    taken: int


class Told(NamedTuple):
    """What the others say. `turn`: whether it is this server's turn, for LEASE seconds."""

    buckets: list[Bucket]
    places: list[Place]
    turn: bool


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, DateTime(timezone=True), nullable=False)


BUCKETS = sa.Table(
    "shared_buckets",
    SQLModel.metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    _moment("full_at"),
)
PLACES = sa.Table(
    "shared_places",
    SQLModel.metadata,
    sa.Column("server", sa.String, primary_key=True),
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("count", sa.Integer, nullable=False),
    _moment("seen_at"),
)
TURNS = sa.Table(
    "shared_turns",
    SQLModel.metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("server", sa.String, nullable=False),
    _moment("until"),
)
SHARED = (BUCKETS, PLACES, TURNS)

# Locked in one order, so that two servers cannot wait for each other.
_SPEND = sa.text(f"""
    INSERT INTO shared_buckets AS kept (kind, name, full_at)
    SELECT kind, name, statement_timestamp() + make_interval(secs => seconds)
    FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:seconds AS float8[]))
        AS new (kind, name, seconds)
    ORDER BY kind, name
    ON CONFLICT (kind, name) DO UPDATE SET full_at = least(
        greatest(kept.full_at, statement_timestamp()) + (excluded.full_at - statement_timestamp()),
        statement_timestamp() + make_interval(secs => {LONGEST})
    )
    RETURNING kind, name, CAST(extract(epoch FROM full_at - clock_timestamp()) AS float8)
""")
_EMPTIEST = sa.text(f"""
    SELECT kind, name, CAST(extract(epoch FROM full_at - clock_timestamp()) AS float8) FROM shared_buckets
    WHERE full_at > statement_timestamp() ORDER BY full_at DESC LIMIT {EMPTIEST}
""")
_TAKE = sa.text(f"""
    WITH mine AS (
        SELECT * FROM unnest(CAST(:kinds AS text[]), CAST(:names AS text[]), CAST(:counts AS integer[]))
            AS new (kind, name, count)
    ), gone AS (
        DELETE FROM shared_places AS kept WHERE server = :server AND NOT EXISTS
            (SELECT FROM mine WHERE (mine.kind, mine.name) = (kept.kind, kept.name))
    ), told AS (
        INSERT INTO shared_places (server, kind, name, count, seen_at)
        SELECT :server, kind, name, count, statement_timestamp() FROM mine
        ON CONFLICT (server, kind, name) DO UPDATE SET count = excluded.count, seen_at = excluded.seen_at
    )
    SELECT kind, name, CAST(sum(count) AS bigint) FROM shared_places
    WHERE server <> :server AND seen_at > statement_timestamp() - make_interval(secs => {FORGOTTEN})
    GROUP BY kind, name
""")
# A time that is farther away than any lease was written before the database's clock was set back.
_TURN = sa.text(f"""
    INSERT INTO shared_turns AS kept (name, server, until)
    VALUES (:name, :server, statement_timestamp() + make_interval(secs => {LEASE}))
    ON CONFLICT (name) DO UPDATE SET server = excluded.server, until = excluded.until
        WHERE kept.server = excluded.server OR kept.until < statement_timestamp()
            OR kept.until > statement_timestamp() + make_interval(secs => {2 * LEASE})
    RETURNING server
""")
# What another is about to use is left alone.
_FORGET = [
    sa.text(f"""
    DELETE FROM shared_{table} WHERE ({key}) IN (
        SELECT {key} FROM shared_{table} WHERE {past} FOR UPDATE SKIP LOCKED
    )
    """)
    for table, key, past in (
        ("buckets", "kind, name", "full_at < statement_timestamp()"),
        ("places", "server, kind, name", f"seen_at < statement_timestamp() - interval '{FORGOTTEN} s'"),
        ("turns", "name", f"until < statement_timestamp() - interval '{FORGOTTEN} s'"),
    )
]
_LEAVE = [sa.text(f"DELETE FROM shared_{table} WHERE server = :server") for table in ("places", "turns")]


def exchange(
    server: str, turn: str, spent: Sequence[Bucket], taken: Sequence[Place], connection: Connection
) -> Told:
    """Adds what was spent to what all have spent, puts what is taken in the place of what this server said
    before, and takes the turn of this name if nobody else has it."""
    lacking = [(*each[:2], min(each.seconds, LONGEST)) for each in spent]
    mine = connection.execute(_SPEND, _columns(lacking, "seconds")).all() if lacking else []
    buckets = {(row[0], row[1]): row[2] for row in (*connection.execute(_EMPTIEST).all(), *mine)}
    places = connection.execute(_TAKE, {"server": server, **_columns(taken, "counts")}).all()
    # The turn is taken last: whoever holds its row holds up the others.
    won = connection.execute(_TURN, {"name": turn, "server": server}).first()
    return Told(
        [Bucket(*name, seconds) for name, seconds in buckets.items()],
        [Place(*row) for row in places],
        won is not None,
    )


def forget(connection: Connection) -> None:
    """Removes what says nothing any more: full buckets, and what was said by servers that are gone."""
    for statement in _FORGET:
        connection.execute(statement)


def leave(server: str, connection: Connection) -> None:
    """This server has no places and no turn any more."""
    for statement in _LEAVE:
        connection.execute(statement, {"server": server})


def _columns(rows: Iterable[tuple[str, str, float]], last: str) -> dict[str, list[object]]:
    columns: dict[str, list[object]] = {"kinds": [], "names": [], last: []}
    for row in rows:
        for column, value in zip(columns.values(), row, strict=True):
            column.append(value)
    return columns

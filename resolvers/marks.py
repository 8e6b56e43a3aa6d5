"""Leaderboards as they were: whether what was read of them is still true."""

from collections.abc import Sequence
from typing import NamedTuple
from weakref import ref

from models.boards import Boards
from resolvers.context import Context
from resolvers.errors import NotFound
from resolvers.leaderboards import Board
from timing.leaderboards import Leaderboard


class Mark(NamedTuple):
    """A race's board as it was: what was read of it is true as long as it has the same mark."""

    race_id: int
    definition: int
    board: ref[Leaderboard]
    """Another one takes its place when the race is defined anew. It is not kept alive by this."""
    revision: int

    @classmethod
    def of(cls, board: Board) -> "Mark":
        found = board.leaderboard
        return cls(board.race_id, board.kept.revision, ref(found), found.revision)


async def look(ctx: Context, marks: Sequence[Mark]) -> list[Boards | None]:
    """The boards of these races, with everything on them that was committed before the call. Costs what it
    costs to look at each race."""
    ctx.meter.spend(len(marks))
    return [await ctx.boards.of_race(ctx.database, mark.race_id) for mark in marks]


def stand(boards: Sequence[Boards | None], marks: Sequence[Mark]) -> bool:
    """Whether these boards still have the marks. Then whoever had the same rights may see them, too: who may,
    the definition tells."""
    try:
        return all(
            each is not None and Mark.of(Board(each, mark.race_id)) == mark
            for each, mark in zip(boards, marks, strict=True)
        )
    except NotFound:
        return False

"""What the objects of one answer refer to, fetched together:
a page of 50 costs one statement for each kind."""

from functools import cached_property
from typing import Any

from strawberry.dataloader import DataLoader

from models.devices import Device
from models.passings import Row
from models.sessions import Counts, Session
from resolvers import devices, passings, sessions
from resolvers.context import Context


class Loaders:
    """Made anew for each answer, so that nothing is remembered longer than the answer is true."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    @cached_property
    def device(self) -> DataLoader[int, Device]:
        async def load(ids: list[int]) -> list[Device | BaseException]:
            found = await devices.of_rows(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def session(self) -> DataLoader[int, Session]:
        async def load(ids: list[int]) -> list[Session | BaseException]:
            found = await sessions.of_rows(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def active_session(self) -> DataLoader[int, Session | None]:
        async def load(ids: list[int]) -> list[Session | None | BaseException]:
            found = await sessions.active_of_rows(self.ctx, ids)
            return [found.get(id) for id in ids]

        return DataLoader(load)

    @cached_property
    def counts(self) -> DataLoader[int, Counts]:
        async def load(ids: list[int]) -> list[Counts | BaseException]:
            found = await devices.counts(self.ctx, ids)
            return [found.get(id, Counts()) for id in ids]

        return DataLoader(load)

    @cached_property
    def sessions(self) -> DataLoader[tuple[int, int, int], tuple[list[Session], int]]:
        """By device, cursor and size."""

        async def load(keys: list[tuple[int, int, int]]) -> list[Any]:
            found: dict[tuple[int, int, int], Any] = {}
            for after, first in {key[1:] for key in keys}:
                ids = [key[0] for key in keys if key[1:] == (after, first)]
                pages = await sessions.pages(self.ctx, ids, after, first)
                found |= {(id, after, first): page for id, page in pages.items()}
            return [found[key] for key in keys]

        return DataLoader(load)

    @cached_property
    def passing(self) -> DataLoader[tuple[int, int], Row]:
        """By session and number."""

        async def load(keys: list[tuple[int, int]]) -> list[Row | BaseException]:
            found: dict[tuple[int, int], Row] = {}
            for session in {key[0] for key in keys}:
                numbers = [key[1] for key in keys if key[0] == session]
                stored = await passings.of_numbers(self.ctx, session, numbers)
                found |= {(session, number): row for number, row in stored.items()}
            return [found[key] for key in keys]

        return DataLoader(load)

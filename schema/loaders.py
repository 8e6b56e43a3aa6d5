"""What the objects of one answer refer to, fetched together:
a page of 50 costs one statement for each kind."""

from collections.abc import Awaitable, Callable
from functools import cached_property, partial
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from models.alarms import Alarm
from models.audits import Use
from models.bindings import BindingToken
from models.devices import Device
from models.events import Event
from models.keys import ApiKey
from models.participants import Filter, Participant
from models.passings import Conflict, Row
from models.races import Checkpoint, Race, Serving
from models.sessions import Counts, Session
from resolvers import (
    alarms,
    audits,
    bindings,
    devices,
    events,
    keys,
    participants,
    passings,
    races,
    servings,
    sessions,
    verdicts,
)
from resolvers.errors import NotAllowed, NotFound
from resolvers.participants import Personal
from resolvers.races import Parts
from schema.readings import Readings
from timing.verdicts import Judged

T = TypeVar("T")


class Loaders(Readings):
    """Made anew for each answer, so that nothing is remembered longer than the answer is true."""

    @cached_property
    def device(self) -> DataLoader[int, Device]:
        async def load(ids: list[int]) -> list[Device | BaseException]:
            found = await devices.of_rows(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def last_session_count(self) -> DataLoader[int, int]:
        """Passings of the newest session, by device."""

        async def load(ids: list[int]) -> list[int | BaseException]:
            found = await devices.last_session_counts(self.ctx, ids)
            return [found.get(id, 0) for id in ids]

        return DataLoader(load)

    @cached_property
    def api_key(self) -> DataLoader[int, ApiKey]:
        async def load(ids: list[int]) -> list[ApiKey | BaseException]:
            found = await keys.of_rows(self.ctx, ids)
            return [found.get(id) or NotFound("Key") for id in ids]

        return DataLoader(load)

    @cached_property
    def key_uses(self) -> DataLoader[tuple[int, int], list[Use]]:
        """By key and how many days."""
        return _by_size(partial(audits.uses, self.ctx))

    @cached_property
    def binding_token(self) -> DataLoader[int, BindingToken]:
        async def load(ids: list[int]) -> list[BindingToken | BaseException]:
            found = await bindings.of_rows(self.ctx, ids)
            return [found.get(id) or NotFound("Binding token") for id in ids]

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
        return _by_page(partial(sessions.pages, self.ctx))

    @cached_property
    def open_alarms(self) -> DataLoader[int, list[Alarm]]:
        """By device, oldest first."""

        async def load(ids: list[int]) -> list[list[Alarm] | BaseException]:
            found = await alarms.open_alarms(self.ctx, ids)
            return [found.get(id, []) for id in ids]

        return DataLoader(load)

    @cached_property
    def alarms(self) -> DataLoader[tuple[int, bool | None, int | None, int], tuple[list[Alarm], int]]:
        """By device, whether open, cursor and size."""
        return _by_page(partial(alarms.pages, self.ctx))

    @cached_property
    def missing_count(self) -> DataLoader[int, int]:
        async def load(ids: list[int]) -> list[int | BaseException]:
            found = await sessions.missing_counts(self.ctx, ids)
            return [found.get(id, 0) for id in ids]

        return DataLoader(load)

    @cached_property
    def missing_numbers(self) -> DataLoader[tuple[int, int], list[int]]:
        """By session and how many."""
        return _by_size(partial(sessions.missing_numbers, self.ctx))

    @cached_property
    def conflicts(self) -> DataLoader[tuple[int, int], list[Conflict]]:
        """By session and how many."""
        return _by_size(partial(sessions.conflicts, self.ctx))

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

    @cached_property
    def event(self) -> DataLoader[int, Event]:
        async def load(ids: list[int]) -> list[Event | BaseException]:
            found = await events.of_rows(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def races(self) -> DataLoader[int, list[Race]]:
        """By event."""

        async def load(ids: list[int]) -> list[list[Race] | BaseException]:
            found = await races.of_events(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def race(self) -> DataLoader[int, Race]:
        async def load(ids: list[int]) -> list[Race | BaseException]:
            found = await races.of_rows(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def parts(self) -> DataLoader[int, Parts]:
        """By race."""

        async def load(ids: list[int]) -> list[Parts | BaseException]:
            found = await races.parts(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def servings(self) -> DataLoader[int, list[Serving] | None]:
        """By checkpoint; None for those of other accounts."""

        async def load(ids: list[int]) -> list[list[Serving] | None | BaseException]:
            found = await servings.of_checkpoints(self.ctx, ids)
            return [found.get(id) for id in ids]

        return DataLoader(load)

    @cached_property
    def checkpoint(self) -> DataLoader[int, Checkpoint]:
        async def load(ids: list[int]) -> list[Checkpoint | BaseException]:
            found = await races.checkpoints_of_rows(self.ctx, ids)
            return [found[id] for id in ids]

        return DataLoader(load)

    @cached_property
    def verdict(self) -> DataLoader[Row, Judged | None]:
        """By passing."""

        async def load(rows: list[Row]) -> list[Judged | None | BaseException]:
            found = await verdicts.of_passings(self.ctx, rows)
            return [found.get(row.position) for row in rows]

        return DataLoader(load)

    @cached_property
    def participant(self) -> DataLoader[int, Participant]:
        async def load(ids: list[int]) -> list[Participant | BaseException]:
            found = await participants.of_rows(self.ctx, ids)
            return [found.get(id) or NotFound("Participant") for id in ids]

        return DataLoader(load)

    @cached_property
    def personal(self) -> DataLoader[int, Personal]:
        """By participant."""

        async def load(ids: list[int]) -> list[Personal | BaseException]:
            found = await participants.personal(self.ctx, ids)
            return [found.get(id) or NotAllowed("personal data is for keys of the account") for id in ids]

        return DataLoader(load)

    @cached_property
    def participants(self) -> DataLoader[tuple[int, Filter, int, int], tuple[list[Participant], int]]:
        """By event, filter, cursor and size."""
        return _by_page(partial(participants.pages, self.ctx))


def _by_page(read: Callable[..., Awaitable[dict[int, T]]]) -> DataLoader[Any, T]:
    """By a row and which page of what it has: a read for each kind of page, which is one as a rule."""

    async def load(keys: list[tuple[Any, ...]]) -> list[T | BaseException]:
        found: dict[tuple[Any, ...], T] = {}
        for which in {key[1:] for key in keys}:
            pages = await read([key[0] for key in keys if key[1:] == which], *which)
            found |= {(row, *which): page for row, page in pages.items()}
        return [found[key] for key in keys]

    return DataLoader(load)


def _by_size(
    read: Callable[[list[int], int], Awaitable[dict[int, list[T]]]],
) -> DataLoader[tuple[int, int], list[T]]:
    """A read for each size that is asked for, which is one as a rule."""

    async def load(keys: list[tuple[int, int]]) -> list[list[T] | BaseException]:
        found: dict[tuple[int, int], list[T]] = {}
        for size in {key[1] for key in keys}:
            rows = await read([key[0] for key in keys if key[1] == size], size)
            found |= {(row, size): each for row, each in rows.items()}
        return [found.get(key, []) for key in keys]

    return DataLoader(load)

"""What the devices of one answer told of themselves, fetched together."""

from collections.abc import Callable, Mapping
from functools import cached_property
from inspect import isawaitable
from typing import Any, TypeVar

from strawberry.dataloader import DataLoader

from models.history import Bucket, Period
from models.telemetry import Health, ReportRow
from resolvers import telemetry
from resolvers.context import Context
from resolvers.telemetry import Part

K = TypeVar("K")
V = TypeVar("V")
R = TypeVar("R")


def then(loader: DataLoader[K, V], key: K, use: Callable[[V], R]) -> R:
    """What is made of a value: at once where it was loaded before, else when it is awaited.
    A resolver may give either; to wait costs as much as ten fields."""
    known = loader.cache_map.get(key)
    if known is not None and known.done():
        return use(known.result())
    return _awaited(loader, key, use)  # type: ignore[return-value]


async def _awaited(loader: DataLoader[K, V], key: K, use: Callable[[V], R]) -> R:
    made = use(await loader.load(key))
    return (await made) if isawaitable(made) else made


class Readings:
    """The loaders of telemetry."""

    def __init__(self, ctx: Context) -> None:
        self.ctx = ctx

    @cached_property
    def health(self) -> DataLoader[int, Health | None]:
        """By device; None before its first report."""

        async def load(ids: list[int]) -> list[Health | None | BaseException]:
            found = await telemetry.health(self.ctx, ids)
            return [found.get(id) for id in ids]

        return DataLoader(load)

    @cached_property
    def history(self) -> DataLoader[tuple[int, Part, int | None], list[ReportRow] | list[Bucket]]:
        """By device, part and width of a bucket: buckets with a width, without one reports."""

        async def load(keys: list[tuple[int, Part, int | None]]) -> list[Any]:
            found: dict[tuple[int, Part, int | None], Any] = {}
            for part, width in {key[1:] for key in keys}:
                ids = [key[0] for key in keys if key[1:] == (part, width)]
                pages: Mapping[int, Any]
                if width is None:
                    pages = await telemetry.history(self.ctx, ids, part)
                else:
                    pages = await telemetry.buckets(self.ctx, ids, part, width)
                found |= {(id, part, width): page for id, page in pages.items()}
            return [found.get(key, []) for key in keys]

        return DataLoader(load)

    @cached_property
    def history_count(self) -> DataLoader[tuple[int, Period, int | None], int]:
        """By device, period and width of a bucket."""

        async def load(keys: list[tuple[int, Period, int | None]]) -> list[int | BaseException]:
            found: dict[tuple[int, Period, int | None], int] = {}
            for period, width in {key[1:] for key in keys}:
                ids = [key[0] for key in keys if key[1:] == (period, width)]
                counts = await telemetry.counts(self.ctx, ids, period, width)
                found |= {(id, period, width): count for id, count in counts.items()}
            return [found.get(key, 0) for key in keys]

        return DataLoader(load)

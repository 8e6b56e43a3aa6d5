"""A field of devices under watch: they report and send passings, and the watch looks when it is told to."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from models import alarms as rows
from models import devices as device_rows
from models.keys import Owner
from models.reports import Reports, Submission
from models.telemetry import Content
from resolvers import devices, sessions
from resolvers.devices import NewDevice
from resolvers.watch import Watch
from timing.clocks import SECOND


class Field:
    """`ctx` is that of the company whose devices they are; `touched` what the watch told last."""

    def __init__(self, office, ctx, reports: Reports, record) -> None:
        self.office, self.ctx, self._reports, self._record = office, ctx, reports, record
        self.clock = office.clock
        self.touched: dict[int, int] = {}
        self.watch = self.another_watch()

    def another_watch(self) -> Watch:
        return Watch(self.office.database, self.clock, self._tell)

    def _tell(self, touched: Mapping[int, int]) -> None:
        self.touched |= touched

    async def device(self, serial_number: str = "S1") -> device_rows.Device:
        return (await devices.bind(self.ctx, NewDevice(model="M", serial_number=serial_number))).device

    async def session(self, device: device_rows.Device) -> str:
        return (await sessions.open(self.ctx, device.device_id)).token

    async def report(self, device: device_rows.Device, at: float = 0, **told) -> None:
        """A report of now, or of `at` seconds later by the device's clock."""
        moment = self.clock() + int(at * SECOND)
        await self.reports(device, Content(moment, **told))

    async def reports(self, device: device_rows.Device, *contents: Content) -> None:
        """Reports that come together."""
        owner = Owner(device.account_id)
        submission = Submission(owner, device.device_id, self.clock(), contents)
        assert await self._reports.write(submission)

    async def send(self, token: str, *numbers: int) -> None:
        await self._record(self.ctx, token, *numbers)

    async def look(self, *of: device_rows.Device) -> dict[int, int]:
        """The devices whose alarms changed. Without devices only those that are due are looked at."""
        self.touched = {}
        await self.watch.look([device.id for device in of])
        return self.touched

    async def history(self, device: device_rows.Device) -> list[rows.Alarm]:
        """Every alarm it ever had, oldest first."""
        async with self.office.database.reading() as session:
            found, _ = await rows.page(
                session, Owner(device.account_id, device.id), rows.Filter(), limit=1000
            )
        return found[::-1]

    async def open(self, device: device_rows.Device) -> dict[str, str]:
        """The open alarms: kind to severity."""
        async with self.office.database.reading() as session:
            found = await rows.open_of(session, [device.id])
        return {alarm.kind: alarm.severity for alarm in found.get(device.id, [])}


@asynccontextmanager
async def watched(office, record, ctx=None) -> AsyncIterator[Field]:
    reports = Reports(office.database, lambda _touched: None, 100_000)
    reports.start()
    try:
        yield Field(office, ctx or await office.company(), reports, record)
    finally:
        await reports.close()

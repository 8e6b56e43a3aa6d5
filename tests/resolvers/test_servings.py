"""Who serves a checkpoint: assigning, changing, ending, taking back."""

import asyncio

import pytest

from resolvers import devices, events, races, servings, sessions
from resolvers.courses import NewRace
from resolvers.devices import NewDevice
from resolvers.errors import Conflict, Invalid, NotFound
from resolvers.events import NewEvent
from resolvers.servings import ServeCheckpoint
from tests.factories import NOON
from timing.clocks import SECOND

TEN, NOON_TEXT, TWO = "2026-06-01T10:00:00Z", "2026-06-01T12:00:00Z", "2026-06-01T14:00:00Z"
HOUR = 3600 * SECOND


class Course:
    """A race of an account with a device and its session."""

    @classmethod
    async def of(cls, ctx):
        self = cls()
        self.event = await events.create(ctx, NewEvent(name="Run", start_date="2026-06-01"))
        self.race = await races.create(ctx, self.event.token, NewRace(name="A"))
        self.start, self.finish = await races.checkpoints(ctx, self.race.id)
        self.device = (await devices.bind(ctx, NewDevice(model="M", serial_number="S1"))).device
        self.session = await sessions.open(ctx, self.device.device_id)
        return self

    def serve(self, **more) -> ServeCheckpoint:
        return ServeCheckpoint(**{"checkpoint_id": self.finish.id, "device_id": self.device.device_id} | more)


@pytest.fixture
async def course(ctx):
    return await Course.of(ctx)


async def at_finish(ctx, course):
    return (await servings.of_checkpoints(ctx, [course.finish.id]))[course.finish.id]


async def test_a_device_serves_a_checkpoint_for_ever_unless_told(ctx, course):
    serving, checkpoint = await servings.serve(ctx, course.serve())
    assert checkpoint == course.finish and (serving.device_row, serving.session_row) == (
        course.device.id,
        None,
    )
    assert (serving.from_at, serving.to_at, serving.role) == (None, None, "PRIMARY")
    assert await at_finish(ctx, course) == [serving]
    assert await servings.of_id(ctx, serving.id) == serving


async def test_a_session_serves_for_a_time_as_a_backup(ctx, course):
    new = course.serve(device_id=None, session_token=course.session.token, from_=TEN, to=TWO, role="BACKUP")
    serving, _ = await servings.serve(ctx, new)
    assert (serving.device_row, serving.session_row) == (None, course.session.id)
    assert (serving.from_at, serving.to_at, serving.role) == (NOON - 2 * HOUR, NOON + 2 * HOUR, "BACKUP")


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        ({"device_id": None}, "device_id"),
        ({"session_token": "X"}, "session_token"),
        ({"role": "SPARE"}, "role"),
        ({"from_": "now"}, "from"),
        ({"to": "later"}, "to"),
        ({"from_": NOON_TEXT, "to": NOON_TEXT}, "to"),
        ({"from_": TWO, "to": TEN}, "to"),
    ],
)
async def test_nonsense_in_a_serving_names_the_field(ctx, course, bad, field):
    with pytest.raises(Invalid) as error:
        await servings.serve(ctx, course.serve(**bad))
    assert error.value.field == field
    assert await at_finish(ctx, course) == []


async def test_only_what_the_account_has_serves_its_checkpoints(ctx, other, course):
    theirs = await Course.of(other)
    for noun, bad in (
        ("Device", {"device_id": theirs.device.device_id}),
        ("Device", {"device_id": "\0"}),
        ("Session", {"device_id": None, "session_token": theirs.session.token}),
        ("Checkpoint", {"checkpoint_id": theirs.finish.id}),
        ("Checkpoint", {"checkpoint_id": 0}),
        ("Checkpoint", {"checkpoint_id": 2**40}),
    ):
        with pytest.raises(NotFound, match=f"{noun} not found"):
            await servings.serve(ctx, course.serve(**bad))


async def test_the_same_device_serves_a_checkpoint_once_at_a_time(ctx, course):
    first, _ = await servings.serve(ctx, course.serve(from_=TEN, to=NOON_TEXT))
    with pytest.raises(Conflict, match="already"):
        await servings.serve(ctx, course.serve(from_="2026-06-01T11:00:00Z"))
    with pytest.raises(Conflict, match="already"):
        await servings.serve(ctx, course.serve())
    later, _ = await servings.serve(ctx, course.serve(from_=NOON_TEXT))
    await servings.serve(ctx, course.serve(checkpoint_id=course.start.id))
    by_session = course.serve(device_id=None, session_token=course.session.token)
    await servings.serve(ctx, by_session)
    with pytest.raises(Conflict, match="already"):
        await servings.update(ctx, first.id, {"to": None})
    assert (await at_finish(ctx, course))[:2] == [first, later]


async def test_the_window_and_the_role_are_changed_alone(ctx, course):
    serving, _ = await servings.serve(ctx, course.serve(from_=TEN, to=TWO))
    changed, checkpoint = await servings.update(ctx, serving.id, {"role": "BACKUP"})
    assert (changed.from_at, changed.to_at, changed.role) == (NOON - 2 * HOUR, NOON + 2 * HOUR, "BACKUP")
    assert checkpoint == course.finish
    changed, _ = await servings.update(ctx, serving.id, {"from_": None, "to": NOON_TEXT})
    assert (changed.from_at, changed.to_at, changed.role) == (None, NOON, "BACKUP")
    assert await at_finish(ctx, course) == [changed]


@pytest.mark.parametrize(
    ("bad", "field"),
    [({"to": TEN}, "to"), ({"from_": "x"}, "from"), ({"role": None}, "role"), ({"to": ""}, "to")],
)
async def test_nonsense_in_a_patch_of_a_serving_changes_nothing(ctx, course, bad, field):
    serving, _ = await servings.serve(ctx, course.serve(from_=TEN, to=TWO))
    with pytest.raises(Invalid) as error:
        await servings.update(ctx, serving.id, bad)
    assert error.value.field == field
    assert await at_finish(ctx, course) == [serving]


async def test_a_serving_ends_now_or_when_it_is_said(ctx, course, clock):
    serving, _ = await servings.serve(ctx, course.serve())
    clock.move(60)
    assert (await servings.end(ctx, serving.id)).serving.to_at == NOON + 60 * SECOND
    assert (await servings.end(ctx, serving.id, TEN)).serving.to_at == NOON - 2 * HOUR


async def test_a_wrong_assignment_is_taken_back(ctx, course):
    serving, _ = await servings.serve(ctx, course.serve())
    assert await servings.remove(ctx, serving.id, "wrong mat") == course.finish
    assert await at_finish(ctx, course) == []
    with pytest.raises(NotFound, match="Serving not found"):
        await servings.remove(ctx, serving.id)


async def test_every_change_of_a_serving_is_written_down(ctx, course):
    serving, _ = await servings.serve(ctx, course.serve(), "mat is out")
    await servings.update(ctx, serving.id, {"role": "BACKUP"}, "spare")
    await servings.end(ctx, serving.id, NOON_TEXT, "lunch")
    await servings.remove(ctx, serving.id, "wrong mat")
    found = (await events.changes(ctx, course.event.token))[2:]
    assert {(each.change.kind, each.change.subject) for each in found} == {
        ("SERVING", f'{{"serving":{serving.id}}}')
    }
    assert [each.change.reason for each in found] == ["mat is out", "spare", "lunch", "wrong mat"]


async def test_what_another_serves_is_not_found(ctx, other, course):
    serving, _ = await servings.serve(ctx, course.serve())
    for asked in (
        servings.of_id(other, serving.id),
        servings.update(other, serving.id, {"role": "BACKUP"}),
        servings.end(other, serving.id),
        servings.remove(other, serving.id),
    ):
        with pytest.raises(NotFound, match="Serving not found"):
            await asked
    assert await servings.of_checkpoints(other, [course.finish.id]) == {}
    assert await at_finish(ctx, course) == [serving]


async def test_one_of_many_that_assign_at_the_same_moment_does(office):
    ctx = await office.company()
    course = await Course.of(ctx)
    asked = (servings.serve(ctx, course.serve()) for _ in range(8))
    found = await asyncio.gather(*asked, return_exceptions=True)
    assert sum(isinstance(each, Conflict) for each in found) == 7
    assert len(await at_finish(ctx, course)) == 1

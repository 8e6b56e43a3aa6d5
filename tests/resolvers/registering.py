"""Participants to try operations on."""

from resolvers import events, participants, registrations
from resolvers.entries import NewParticipant


def new(bib="7", name="Ann", **more) -> NewParticipant:
    return NewParticipant(bib=bib, name=name, **more)


async def entered(ctx, event, *entries, **more):
    """The participants; fails when one was refused."""
    added = await registrations.add(ctx, event.token, list(entries), **more)
    assert [each.wrong for each in added if each.wrong] == []
    return [each.participant for each in added]


async def listed(ctx, event):
    return (await participants.page(ctx, event.token, limit=100)).participants


async def chips(ctx, participant):
    return (await participants.personal(ctx, [participant.id]))[participant.id].chips


async def noted(ctx, event):
    return [audited.change for audited in await events.changes(ctx, event.token)]

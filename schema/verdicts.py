"""Verdicts on passings in GraphQL."""

import enum

import strawberry


@strawberry.enum(description="Whether a passing counts. None is dropped: each has a verdict and a reason.")
class Verdict(enum.Enum):
    VALID = strawberry.enum_value("VALID", description="It counts.")
    BOUNCED = strawberry.enum_value("BOUNCED", description="Another read of the same visit counts.")
    BEFORE_START = strawberry.enum_value("BEFORE_START", description="Before the gun of the wave.")
    TOO_SOON = strawberry.enum_value(
        "TOO_SOON", description="Less than the least time after the checkpoint before."
    )
    OUT_OF_ORDER = strawberry.enum_value(
        "OUT_OF_ORDER", description="At an earlier checkpoint, after a later one had counted."
    )
    AFTER_CUTOFF = strawberry.enum_value(
        "AFTER_CUTOFF", description="The checkpoint, or the time of the race, was closed."
    )
    BACKUP_UNUSED = strawberry.enum_value(
        "BACKUP_UNUSED", description="By a backup, where the primary has a read that counts."
    )
    WRONG_RACE = strawberry.enum_value(
        "WRONG_RACE", description="The reader serves no checkpoint of the competitor's race."
    )
    UNKNOWN_PARTICIPANT = strawberry.enum_value(
        "UNKNOWN_PARTICIPANT", description="Nobody of the event has this bib or chip, yet."
    )
    VOIDED = strawberry.enum_value("VOIDED", description="An official took it out.")
    CONFIRMED = strawberry.enum_value("CONFIRMED", description="An official lets it count, past the rules.")

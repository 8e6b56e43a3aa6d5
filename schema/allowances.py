"""What a caller may still spend, in GraphQL."""

from typing import Self

import strawberry

from resolvers.context import Allowance


@strawberry.type(
    description="The points that operations are paid from: those of the key, or without one those that all "
    "strangers of the address share. What costs how much is told in the documentation."
)
class ViewerLimits:
    per_second: float = strawberry.field(description="Points that flow in each second.")
    burst: float = strawberry.field(description="How many may gather at most.")
    left: float = strawberry.field(
        description="Points that are left now, with this question paid for. An operation that costs more is "
        "refused with `RATE_LIMITED`, unless all that may gather are left."
    )

    @classmethod
    def shape(cls, allowance: Allowance | None) -> Self | None:
        if allowance is None:
            return None
        return cls(per_second=allowance.per_second, burst=allowance.burst, left=round(allowance.left, 2))

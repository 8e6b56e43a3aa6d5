"""P1 as devices send it, past the general machine: a body in, an answer handed over after the commit.

Judged, stored and shaped by what the general way uses too. What is refused before it is handed to the writer
goes the general way, which finds the words; a test compares both ways over real sockets.
"""

import logging
from collections.abc import Callable
from functools import partial

from resolvers import costs
from resolvers import passings as operations
from resolvers.context import Context
from resolvers.errors import TimingError, TooMany
from rest_compat import passings, shapes
from rest_compat.endpoints import Header, Request, failure, refusal, shaped

logger = logging.getLogger(__name__)

PATH = "/passings"
Answered = Callable[[int, bytes, list[Header]], None]
"""Takes status, body and the headers that are not in every answer."""


def take(ctx: Context, body: bytes, answered: Answered) -> bool:
    """Whether `answered` is called: after the commit, or at once by one who asks for too much. False: nothing
    happened; another way answers."""
    try:
        if len(body) > costs.SMALL_BODY:
            ctx.meter.spend(costs.body(len(body)))
        asked = Request({}, b"", body).decode(shapes.V0Passings)
        token = asked.token_session
        told = partial(_tell, ctx.caller.v0_shape, answered, token)
        operations.hand_in(ctx, token, asked.passings_list, told)
    except TooMany as error:  # it may be a flood, and the general way is long
        _tell(ctx.caller.v0_shape, answered, "", error)
    except Exception:  # the general way meets it again, and answers or logs it
        return False
    return True


def _tell(shape: str, answered: Answered, token: str, judged: operations.Judged) -> None:
    try:
        answer = refusal(judged) if isinstance(judged, TimingError) else passings.inserted(token, judged)
        body = shaped(answer.fields, shape)
    except Exception:
        logger.exception("a v0 request failed")
        answered(500, failure(shape), [])
    else:
        answered(answer.status, body, answer.headers)

"""How a server stops: first it says so, then it takes nothing new, then it is gone."""

import asyncio
import logging
import os
import socket
from types import FrameType

import uvicorn

from server.audience import Audience
from server.bounded import CLOSES

logger = logging.getLogger(__name__)


class Stopping:
    """Whether the server was told to stop. `/readyz` says so from the same moment on."""

    def __init__(self) -> None:
        self.begun = False


class Server(uvicorn.Server):
    """uvicorn's server, which closes its listeners the moment it is told to stop. This one goes on serving
    for a while (a lame duck): a balancer has time to notice, and every answer asks its client to close the
    connection, so that none is closed while a request is on its way. At the end of that time those who are
    connected to hear what happens are told to come back, over so many seconds (a goodbye).

    A second signal ends the process at once, as a kill does: nothing that was acknowledged is lost.
    """

    def __init__(
        self,
        config: uvicorn.Config,
        stopping: Stopping,
        audience: Audience,
        *,
        lame_duck: float,
        goodbye: float,
    ) -> None:
        super().__init__(config)
        self._stopping, self._audience = stopping, audience
        self._lame_duck, self._goodbye = lame_duck, goodbye

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if self._stopping.begun:
            os._exit(128 + sig)
        self._stopping.begun = self.should_exit = True  # and not raised again: a planned stop ends with 0
        self._say_last()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._lame_duck:
            logger.info("stopping; serving on while others find out")
            self._say_last()
            await asyncio.sleep(self._lame_duck - self._audience.time_to_leave(self._goodbye))
        await self._audience.goodbye(self._goodbye)
        await super().shutdown(sockets)

    def _say_last(self) -> None:
        """From now on every answer is the last on its connection.
        uvicorn makes these headers anew until it has seen that it is to stop."""
        if CLOSES not in self.server_state.default_headers:
            self.server_state.default_headers = [*self.server_state.default_headers, CLOSES]

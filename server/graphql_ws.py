"""`graphql-transport-ws` on `/graphql`: a conversation on each socket.

Each message is judged before anything is done about it; what no client can mean closes the socket with a
sentence that names the field. What is wrong with an operation is told under its id and closes nothing.
"""

import asyncio
import copy

from graphql import GraphQLError
from starlette.types import Message, Receive, Scope, Send

from models.database import Unreachable
from resolvers import documents
from resolvers.context import STRANGER, Caller
from resolvers.errors import TooMany, Unidentified
from schema.context import GraphQLContext
from server import turns
from server.asking import Asked, Nonsense
from server.audience import NOT_LET_IN, Audience
from server.auth import Door
from server.connections import Deadlines, SocketPlaces
from server.messages import ACK, PONG, Complete, Init, Operation, Ping, Subscribe, read
from server.outbox import Line, Outbox
from server.sockets import LINE
from server.streams import Streams

PROTOCOL = "graphql-transport-ws"
MOST_OPERATIONS = 100
"""Operations that run on one socket at the same time."""

NONSENSE = 4400
NOT_YET = 4401, "subscribe came before connection_ack"
NOT_OURS = 4406, f"only {PROTOCOL} is spoken here"
LATE = 4408, "connection_init did not come in time"
IDLE = 4408, "idle"
TAKEN = 4409
TWICE = 4429, "connection_init came twice"
NO_PLACE = 4429, "Too many connections"
LATER = 1013, "Service unavailable"
"""While the database cannot be reached. Clients connect again after a while."""


class Conversations:
    """The sockets of `/graphql`: an application of its own, as thousands of them only wait."""

    def __init__(
        self,
        door: Door,
        streams: Streams,
        places: SocketPlaces,
        audience: Audience,
        *,
        init_seconds: float,
        idle_seconds: float,
    ) -> None:
        self.door, self.streams, self.places, self.audience = door, streams, places, audience
        self.inits = Deadlines[Conversation](init_seconds, Conversation.never_began)
        self.idle = Deadlines[Conversation](idle_seconds, Conversation.fell_silent)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()  # that somebody connects
        handshake = dict(scope)
        ours = PROTOCOL in scope["subprotocols"]
        await send({"type": "websocket.accept", "subprotocol": PROTOCOL if ours else None})
        line: Line = scope["extensions"].pop(LINE)
        address = self.door.addresses.of(handshake)
        if not ours:
            line.part(*NOT_OURS)
        elif not self.places.of_address.take(address):
            line.part(*NO_PLACE)
        else:
            try:
                if (context := await self._context(handshake)) is None:
                    line.part(*LATER)
                    return
                del handshake  # its headers would stay with thousands
                await Conversation(self, line, context).hold(receive)
            finally:
                self.places.of_address.leave(address)

    async def _context(self, handshake: Scope) -> GraphQLContext | None:
        """None while nobody can tell whose key the handshake shows."""
        try:
            return await self.door.graphql(handshake)
        except TooMany:  # who shows too many wrong keys is told so in `connection_init` only
            return self.door.live(STRANGER, self.door.addresses.of(handshake))
        except Unreachable:
            return None


class Conversation:
    """What is said on one socket."""

    __slots__ = (
        "_acknowledged", "_context", "_host", "_line", "_operations", "_outbox", "_over", "_place", "_tasks"
    )  # fmt: skip

    def __init__(self, host: Conversations, line: Line, context: GraphQLContext) -> None:
        self._host, self._line, self._context = host, line, context
        self._outbox = Outbox(line, host.streams.bounds)
        self._operations: dict[str, Operation] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._place: int | None = None
        """The key of whose places this socket has one."""
        self._acknowledged = self._over = False

    @property
    def caller(self) -> Caller:
        return self._context.caller

    async def hold(self, receive: Receive) -> None:
        """Returns when the socket is closed, or is being closed, and nothing of it runs any more."""
        self._host.inits.begin(self)
        turn = turns.turn()
        try:
            while not self._over:
                await self._outbox.room()  # who does not read is not heard either
                message = await receive()
                if message["type"] == "websocket.disconnect" or self._over:
                    break
                await self._hear(message)
                turn = await turns.taken(turn)  # many may have come in together
        finally:
            self._over = True
            self._leave()
            for task in self._tasks:
                task.cancel()
            if self._tasks:
                await asyncio.wait(self._tasks)
            self._operations.clear()  # they know it

    def dismiss(self, code: int, reason: str, retry_after: float | None = None) -> None:
        """Closes the socket; nothing more is told or heard. The first reason counts."""
        if self._over:
            return
        self._over = True
        if retry_after is not None:
            reason = f"{reason}, come back in {retry_after:.1f} s"
        self._outbox.close()
        self._line.part(code, reason)

    def never_began(self) -> None:
        """The seconds for `connection_init` are over."""
        self._host.places.late += 1
        self.dismiss(*LATE)

    def fell_silent(self) -> None:
        """Nothing runs, and nothing was said for long."""
        self._host.audience.dismiss(self, "idle", *IDLE)

    def _leave(self) -> None:
        host = self._host
        host.inits.end(self)
        host.idle.end(self)
        host.audience.leave(self)
        if self._place is not None:
            host.places.of_key.leave(self._place)

    async def _hear(self, message: Message) -> None:
        try:
            said = read(message.get("text"))
        except Nonsense as error:
            self.dismiss(NONSENSE, str(error))
            return
        match said:
            case Init(payload):
                await self._begin(payload)
            case Subscribe(id, asked):
                await self._subscribe(id, asked)
            case Complete(id):
                self._complete(id)
            case Ping():
                self._outbox.say(PONG)
        self._rest()

    def _rest(self) -> None:
        """Its time to be idle begins, unless something runs."""
        if self._acknowledged and not self._over and not self._operations:
            self._host.idle.begin(self)

    async def _begin(self, payload: dict[str, object] | None) -> None:
        """`connection_init`. The key that it names is the socket's from now on."""
        host, context = self._host, self._context
        if self._acknowledged:
            self.dismiss(*TWICE)
            return
        host.inits.end(self)
        try:
            await host.door.introduce(context, context.address, payload)
        except (Unidentified, TooMany) as error:
            self.dismiss(NOT_LET_IN, f"Forbidden: {error}")
            return
        except Unreachable:
            self.dismiss(*LATER)
            return
        if not self._take_place(context.caller.key_id):
            self.dismiss(*NO_PLACE)
            return
        self._acknowledged = True
        self._outbox.say(ACK)
        host.audience.enter(self)

    def _take_place(self, key: int | None) -> bool:
        if key is not None:
            if not self._host.places.of_key.take(key):
                return False
            self._place = key
        return True

    async def _subscribe(self, id: str, asked: Asked) -> None:
        if not self._acknowledged:
            self.dismiss(*NOT_YET)
            return
        if id in self._operations:
            self.dismiss(TAKEN, f"the id is taken: {id}")
            return
        operation = Operation(id, self._operations)
        if len(self._operations) >= MOST_OPERATIONS:
            self._refuse(operation, GraphQLError(f"A socket has at most {MOST_OPERATIONS} operations."))
            return
        while len(self._tasks) >= 2 * MOST_OPERATIONS:  # of those that were completed some are still ending
            await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
        self._host.idle.end(self)
        task = asyncio.create_task(self._run(operation, asked), name="operation")
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        operation.begin(task)

    def _complete(self, id: str) -> None:
        """One that is not known may have ended in this moment."""
        if (operation := self._operations.get(id)) is not None:
            operation.stop()

    async def _run(self, operation: Operation, asked: Asked) -> None:
        context = copy.copy(self._context)
        streams = self._host.streams
        try:
            if await self._still():
                query = await documents.text(context, asked.query, asked.document)
                await streams.follow(asked, query, context, self._outbox, operation)
        except Exception as error:
            self._refuse(operation, error)
        finally:
            operation.forget()

    async def _still(self) -> bool:
        """Whether the key lets the caller in, as far as is known just now. If not, the socket closes."""
        try:
            await self._context.callers.still(self.caller)
        except Unidentified as error:
            self._host.audience.dismiss(self, "key", NOT_LET_IN, str(error))
        return not self._over

    def _refuse(self, operation: Operation, error: Exception) -> None:
        self._outbox.say(operation.refused(self._host.streams.refusal(error)))

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._rest()

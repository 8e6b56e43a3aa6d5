"""The schema: every noun's queries, mutations and subscriptions merged."""

import copy
from collections.abc import AsyncGenerator, Iterable
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError, parse, validate
from strawberry.extensions import MaxTokensLimiter, ParserCache, ValidationCache
from strawberry.schema.schema import StreamResult
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from resolvers import alarms as alarm_operations
from resolvers import devices as device_operations
from resolvers import events as event_operations
from resolvers import keys as key_operations
from resolvers import participants as participant_operations
from resolvers import passings as passing_operations
from resolvers import races as race_operations
from resolvers import servings as serving_operations
from resolvers import sessions as session_operations
from resolvers.errors import TooMany
from schema import (
    alarms,
    anomalies,
    bindings,
    corrections,
    devices,
    errors,
    events,
    fleets,
    hot,
    imports,
    keys,
    leaderboards,
    leaves,
    limits,
    participants,
    passings,
    races,
    recordings,
    registrations,
    reports,
    servings,
    sessions,
    viewer,
)
from schema.context import Info
from schema.loaders import Loaders
from schema.relay import Node, parts_of, row_of
from schema.scalars import CONFIG

MOST_TOKENS = 2_000
"""In one document. Longer ones keep the parser, and with it everybody, busy."""
CACHED_DOCUMENTS = 500


@strawberry.type
class Nodes:
    @strawberry.field(
        description="Anything of the account by its global id; null when there is no such thing."
    )
    async def node(
        self, info: Info, id: Annotated[strawberry.ID, strawberry.argument(description="The global id.")]
    ) -> Node | None:
        return await info.context.or_none(_node(info, id))


async def _node(info: Info, id: str) -> Node | None:
    kind, key = parts_of(id)
    ctx, loaders = info.context, Loaders(info.context)
    match kind:
        case "Device":
            return devices.Device.shape(await device_operations.of_id(ctx, key), loaders)
        case "Session":
            return sessions.Session.shape(await session_operations.of_token(ctx, key), loaders)
        case "Alarm" if (row := row_of(key)) is not None:
            return alarms.Alarm.shape(await alarm_operations.of_id(ctx, row), loaders)
        case "Passing" if (position := row_of(key)) is not None:
            return passings.Passing.shape(await passing_operations.of_position(ctx, position), loaders)
        case "Event":
            return events.Event.shape(await event_operations.of_token(ctx, key), loaders)
        case "Race" if (row := row_of(key)) is not None:
            return races.Race.shape(await race_operations.of_id(ctx, row), loaders)
        case "Participant":
            return participants.Participant.shape(await participant_operations.of_id(ctx, key), loaders)
        case "Wave" if (row := row_of(key)) is not None:
            return races.Wave.shape(await race_operations.wave(ctx, row))
        case "Category" if (row := row_of(key)) is not None:
            return races.Category.shape(await race_operations.category(ctx, row))
        case "Checkpoint" if (row := row_of(key)) is not None:
            return races.Checkpoint.shape(await race_operations.checkpoint(ctx, row), loaders)
        case "Serving" if (row := row_of(key)) is not None:
            return servings.Serving.shape(await serving_operations.of_id(ctx, row), loaders)
        case "Account":
            account = keys.Account.shape(await key_operations.account(ctx))
            return account if account.id == id else None
        case "ApiKey" if (row := row_of(key)) is not None:
            return keys.ApiKey.shape(await loaders.api_key.load(row), loaders)
        case "BindingToken" if (row := row_of(key)) is not None:
            return bindings.BindingToken.shape(await loaders.binding_token.load(row), loaders)
    return None


class Schema(strawberry.Schema):
    """Masks what is unexpected, on queries, mutations and running subscriptions alike;
    knows the hot documents."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._plans: dict[str, hot.Plan | None] = {}

    def process_errors(
        self, errors_: list[GraphQLError], execution_context: ExecutionContext | None = None
    ) -> None:
        errors.translate(errors_)

    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: Any = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
    ) -> ExecutionResult:
        try:
            limits.pay_to_read(context_value, query)
        except TooMany as error:
            return self._refused(error)
        allowed = set(allowed_operation_types or OperationType) - {OperationType.SUBSCRIPTION}
        plan = self._plan(query, operation_name) if OperationType.MUTATION in allowed else None
        given = plan and plan.input(variable_values)
        if plan is None or given is None:
            more = root_value, operation_name, allowed, operation_extensions
            result = await super().execute(query, variable_values, context_value, *more)
            limits.charge_for_answer(context_value, result.data)
            return result
        data, found = await plan.run(context_value, *given)
        self.process_errors(found or [])
        return ExecutionResult(data=data, errors=found)

    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        *more: Any,
        **options: Any,
    ) -> StreamResult:
        """Each operation has a context of its own: a feed's is free from its start on."""
        context = copy.copy(context_value)
        try:
            limits.pay_to_read(context, query)
        except TooMany as error:
            return _only(self._refused(error))
        results = await super().stream(query, variable_values, context, *more, **options)
        return limits.charged(context, results)

    def _refused(self, error: TooMany) -> PreExecutionError:
        found = [GraphQLError(str(error), original_error=error)]
        self.process_errors(found)
        return PreExecutionError(data=None, errors=found)

    def _plan(self, query: str | None, operation_name: str | None) -> hot.Plan | None:
        if query is None or len(query) > hot.LONGEST or "recordPassings" not in query:
            return None
        if query not in self._plans:
            if len(self._plans) >= CACHED_DOCUMENTS:
                self._plans.clear()
            self._plans[query] = self._compiled(query)
        plan = self._plans[query]
        return plan if plan and operation_name in (None, plan.operation_name) else None

    def _compiled(self, query: str) -> hot.Plan | None:
        try:
            document = parse(query, max_tokens=MOST_TOKENS)
        except GraphQLError:
            return None
        return None if validate(self._schema, document) else hot.compiled(document)


async def _only(result: PreExecutionError) -> AsyncGenerator[PreExecutionError, None]:
    yield result


def build(*, introspection: bool = True) -> Schema:
    """The schema; without introspection nobody can ask for its types."""
    reading: list[Any] = [
        viewer,
        devices,
        sessions,
        passings,
        events,
        races,
        participants,
        leaderboards,
        anomalies,
        alarms,
    ]
    changing: list[Any] = [
        reports,
        leaderboards,
        keys,
        bindings,
        devices,
        sessions,
        recordings,
        events,
        races,
        servings,
        registrations,
        imports,
        corrections,
        alarms,
    ]
    following: list[Any] = [passings, fleets, leaderboards]
    return Schema(
        query=merge_types("Query", (Nodes, *(noun.Query for noun in reading))),
        mutation=merge_types("Mutation", tuple(noun.Mutation for noun in changing)),
        subscription=merge_types("Subscription", tuple(noun.Subscription for noun in following)),
        types=[
            keys.Account,
            keys.ApiKey,
            bindings.BindingToken,
            devices.Device,
            sessions.Session,
            passings.Passing,
        ],
        config=CONFIG,
        execution_context_class=leaves.Executor,
        extensions=[
            lambda: MaxTokensLimiter(max_token_count=MOST_TOKENS),
            lambda: limits.limiter(introspection=introspection),
            lambda: ParserCache(maxsize=CACHED_DOCUMENTS),
            lambda: ValidationCache(maxsize=CACHED_DOCUMENTS),
            limits.OneOperation,
        ],
    )

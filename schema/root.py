"""The schema: every noun's queries, mutations and subscriptions merged."""

import copy
from collections.abc import AsyncGenerator, Iterable, Sequence
from typing import Annotated, Any

import strawberry
from graphql import GraphQLError
from graphql.validation import ASTValidationRule
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.exceptions import InvalidOperationTypeError
from strawberry.schema.schema import StreamResult
from strawberry.tools import merge_types
from strawberry.types import ExecutionContext, ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from resolvers import alarms as alarm_operations
from resolvers import devices as device_operations
from resolvers import documents as document_operations
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
    documents,
    errors,
    events,
    fleets,
    imports,
    keys,
    leaderboards,
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
from schema.context import GraphQLContext, Info
from schema.executor import Executor
from schema.loaders import Loaders
from schema.prepared import Documents, Operation
from schema.relay import Node, parts_of, row_of
from schema.scalars import CONFIG

AT_ONCE = frozenset({OperationType.QUERY, OperationType.MUTATION})
"""What has one answer."""


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
        case "Document" if (row := row_of(key)) is not None:
            return documents.Document.shape(await document_operations.of_id(ctx, row), loaders)
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
    knows the documents that were asked last."""

    def __init__(self, *args: Any, rules: Sequence[type[ASTValidationRule]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.documents = Documents(self._schema, rules)

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
            return self.refused([GraphQLError(str(error), original_error=error)])
        found = self.documents.operation(query or "", operation_name)
        if isinstance(found, list):
            return self.refused(found)
        if found.type not in (allowed_operation_types or AT_ONCE):
            raise InvalidOperationTypeError(found.type)
        return (await self.perform(found, variable_values, context_value))[0]

    async def perform(
        self, operation: Operation, variables: dict[str, Any] | None, context: GraphQLContext
    ) -> tuple[ExecutionResult, int]:
        """Executes a query or a mutation whose document was paid for; PreExecutionError: nothing of it. And
        the number of fields that were paid for its answer."""
        given, paid = operation.hot and operation.hot.input(variables), 0
        if operation.hot is not None and given is not None:
            data, found = await operation.hot.run(context, *given)
        else:
            try:
                result = await self._executed(operation, variables, context)
            except Exception as error:
                return self.refused([GraphQLError(str(error), original_error=error)]), paid
            if isinstance(result, list):
                return self.refused(result), paid
            data, found = result
            paid = limits.charge_for_answer(context, data)
        self._process_errors(found or [])
        return ExecutionResult(data=data, errors=found), paid

    async def _executed(
        self, operation: Operation, variables: dict[str, Any] | None, context: GraphQLContext
    ) -> tuple[dict[str, Any] | None, list[GraphQLError] | None] | list[GraphQLError]:
        """Data and errors, or what is wrong with the variables."""
        built = Executor.build(
            self._schema,
            operation.document,
            context_value=context,
            raw_variable_values=variables,
            operation_name=operation.name,
            is_awaitable=optimized_is_awaitable,  # type: ignore[arg-type]
        )
        if isinstance(built, list):
            return built
        assert isinstance(built, Executor)
        built.know(operation.places(built.variable_values.coerced))
        result: Any = built.execute_operation()
        if built.is_awaitable(result):
            result = await result
        return result.data, result.errors

    def refused(self, found: list[GraphQLError]) -> PreExecutionError:
        """Nothing was executed, for these reasons."""
        self._process_errors(found)
        return PreExecutionError(data=None, errors=found)

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
            return _only(self.refused([GraphQLError(str(error), original_error=error)]))
        results = await super().stream(query, variable_values, context, *more, **options)
        return limits.charged(context, results)

    async def _prepare_operation_async(
        self, context: ExecutionContext, extensions_runner: Any
    ) -> PreExecutionError | None:
        """Of what is streamed: the same reading and judging as for `execute`."""
        found = self.documents.operation(context.query or "", context._provided_operation_name)
        if isinstance(found, list):
            context.pre_execution_errors = found
            return PreExecutionError(data=None, errors=found)
        context.graphql_document = found.document
        if found.type not in context.allowed_operations:
            raise InvalidOperationTypeError(found.type)
        return None


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
        documents,
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
        documents,
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
            documents.Document,
        ],
        config=CONFIG,
        execution_context_class=Executor,
        rules=limits.rules(introspection=introspection),
    )

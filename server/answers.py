"""Queries and mutations over HTTP: from what is asked to the bytes of its answer."""

import json
from typing import Any, NamedTuple

import orjson
from graphql import GraphQLError
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from models.database import Unreachable
from resolvers.context import STRANGER
from resolvers.errors import TooMany
from schema import limits
from schema.context import GraphQLContext
from schema.prepared import Operation
from schema.root import AT_ONCE, Schema
from server.asking import Asked
from server.kept import Answer, Kept, question

QUERIES = frozenset({OperationType.QUERY})
PUBLIC = frozenset({"leaderboard", "event", "events", "race", "node", "__typename"})
"""What is the same for every stranger."""


class Answered(NamedTuple):
    """An answer. `refused`: nothing was executed, so there is no `data` in it."""

    body: bytes
    refused: bool = False
    errors: list[dict[str, Any]] = []
    public: bool = False
    """Anybody may keep it for a while: a stranger asked, only what everybody may see is in it, no errors."""
    wrong_way: bool = False
    """Refused because it cannot be asked for in this way."""


class Answers:
    """Answers by one schema. `most_kept`: bytes of those that may be given again."""

    def __init__(self, schema: Schema, most_kept: int) -> None:
        self.kept = Kept(most_kept)
        self._schema = schema

    async def answer(
        self, query: str, asked: Asked, context: GraphQLContext, *, only_queries: bool
    ) -> Answered:
        """`query` is the document's text."""
        try:
            limits.pay_to_read(context, query)
        except TooMany as error:
            return self._refused(GraphQLError(str(error), original_error=error))
        found = self._schema.documents.operation(query, asked.operation_name)
        if isinstance(found, list):
            return _told(self._schema.refused(found))
        if found.type not in (QUERIES if only_queries else AT_ONCE):
            no = self._refused(GraphQLError(f"A {found.type.value} cannot be asked for in this way."))
            return no._replace(wrong_way=True)
        return await self._found(found, asked.variables, context)

    async def _found(
        self, operation: Operation, variables: dict[str, Any], context: GraphQLContext
    ) -> Answered:
        asks = question(operation, variables, context.caller)
        if asks is None:
            result, _ = await self._schema.perform(operation, variables, context)
            return _told(result, public=_is_public(operation, context, result))
        try:
            kept = await self.kept.find(asks, context)
        except (TooMany, Unreachable):  # said where the board should be, as always
            kept = None
        if kept is not None:
            limits.charge_for_fields(context, kept.fields)
            return Answered(kept.body, public=kept.public)
        with self.kept.making(asks):
            context.marks = []
            result, fields = await self._schema.perform(operation, variables, context)
            told = _told(result, public=_is_public(operation, context, result))
            if not told.errors:
                self.kept.keep(asks, Answer(told.body, context.marks, fields, told.public))
        return told

    def _refused(self, error: GraphQLError) -> Answered:
        return _told(self._schema.refused([error]))


def _told(result: ExecutionResult, *, public: bool = False) -> Answered:
    errors = [dict(error.formatted) for error in result.errors or ()]
    if isinstance(result, PreExecutionError):
        return Answered(_encoded({"errors": errors}), True, errors)
    told: dict[str, Any] = {"data": result.data}
    return Answered(_encoded(told | {"errors": errors} if errors else told), False, errors, public)


def _is_public(operation: Operation, context: GraphQLContext, result: ExecutionResult) -> bool:
    """What is not there may be there in a moment: that is not for keeping."""
    if context.caller != STRANGER or result.errors or result.data is None:
        return False
    asked = operation.type is OperationType.QUERY and operation.roots <= PUBLIC
    return asked and None not in result.data.values()


def _encoded(told: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(told)
    except TypeError:  # half a character, which came with the question
        return json.dumps(told).encode()

"""Errors as GraphQL clients see them: a code each, fields in their own words, nothing of our insides."""

import logging
import re
from typing import Any

from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

from resolvers.errors import Invalid, TimingError

logger = logging.getLogger(__name__)
_VARIABLE = re.compile(r"^Variable '\$(\w+)'")


def translate(errors: list[GraphQLError]) -> None:
    """Gives each error its code, and hides what nobody expected."""
    for error in errors:
        cause = error.original_error
        while isinstance(cause, GraphQLError):
            cause = cause.original_error
        if isinstance(cause, TimingError):
            error.extensions = _in_client_words(cause)
        elif cause is None or isinstance(error.original_error, GraphQLError):
            error.extensions = {"code": "BAD_USER_INPUT", "fields": _fields(error)} | (error.extensions or {})
        else:
            logger.error("a GraphQL operation failed", exc_info=cause)
            error.message = "Internal server error"
            error.extensions = {"code": "INTERNAL_SERVER_ERROR"}


def _in_client_words(error: TimingError) -> dict[str, Any]:
    if not isinstance(error, Invalid):
        return error.extensions
    field = ".".join(to_camel_case(part) for part in error.field.split("."))
    return error.extensions | {"fields": {field: error.reason}}


def _fields(error: GraphQLError) -> dict[str, str]:
    variable = _VARIABLE.match(error.message)
    return {variable[1]: error.message} if variable else {}

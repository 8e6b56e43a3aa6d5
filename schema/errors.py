"""Errors as GraphQL clients see them: a code each, fields in their own words, nothing of our insides."""

import logging
import re

from graphql import GraphQLError
from strawberry.utils.str_converters import to_camel_case

from resolvers.errors import Invalid, told

logger = logging.getLogger(__name__)
_RENAMED = {"participant": "participant_ref"}
_VARIABLE = re.compile(r"^Variable '\$(\w+)'")


def translate(errors: list[GraphQLError]) -> None:
    """Gives each error its code, and hides what nobody expected."""
    for error in errors:
        cause = error.original_error
        while isinstance(cause, GraphQLError):
            cause = cause.original_error
        if isinstance(cause, Invalid):
            field = in_client_words(cause.field)
            error.message = f"{field}: {cause.reason}"
            error.extensions = cause.extensions | {"fields": {field: cause.reason}}
        elif cause is not None and (no := told(cause)) is not None:
            error.message, error.extensions = str(no), no.extensions
        elif cause is None or isinstance(error.original_error, GraphQLError):
            error.extensions = {"code": "BAD_USER_INPUT", "fields": _fields(error)} | (error.extensions or {})
        elif _within_graphql(cause):
            error.message = "The document holds a name or a number that cannot be read."
            error.extensions = {"code": "BAD_USER_INPUT", "fields": {}}
        else:
            logger.error("a GraphQL operation failed", exc_info=cause)
            error.message = "Internal server error"
            error.extensions = {"code": "INTERNAL_SERVER_ERROR"}


def _within_graphql(cause: BaseException | None) -> bool:
    """Whether graphql-core itself stumbled: over a literal of thousands of digits, or over `İ`, whose
    lower case is longer than it is. None of our code was running then; the document is to blame.
    """
    last = cause.__traceback__ if cause else None
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    return last is not None and str(last.tb_frame.f_globals.get("__name__")).startswith("graphql.")


def in_client_words(field: str) -> str:
    """`chips[0].birth_date` to `chips[0].birthDate`."""
    return ".".join(to_camel_case(_RENAMED.get(part, part)) for part in field.split("."))


def _fields(error: GraphQLError) -> dict[str, str]:
    variable = _VARIABLE.match(error.message)
    return {variable[1]: error.message} if variable else {}

"""Imports in GraphQL: participants from a file with a line for each."""

from typing import Annotated, Self

import strawberry

from resolvers import imports
from schema.context import Info
from schema.errors import in_client_words

FIELDS = {in_client_words(field): field for field in imports.NAMES}


@strawberry.input(description="The column of a file in which a field stands.")
class ColumnInput:
    field: str = strawberry.field(
        description="`bib`, `name`, `lastName`, `gender`, `birthDate`, `age`, `race`, `wave`, `category`, "
        "`club`, `team`, `country`, `city`, `email`, `phone`, `chip` or `status`."
    )
    column: str = strawberry.field(description="The column's name in the header.")


@strawberry.type(description="The column of a file that was taken for a field.")
class ImportedColumn:
    field: str = strawberry.field(description="The field.")
    column: str = strawberry.field(description="The column's name in the header.")


@strawberry.type(description="What is wrong on a line of a file.")
class ImportLineError:
    line: int = strawberry.field(description="Counted from 1, the header included.")
    bib: str | None = strawberry.field(description="The bib on the line, if there is one.")
    field: str = strawberry.field(description="The field that is wrong; `line` for the line as a whole.")
    reason: str = strawberry.field(description="What is wrong with it.")

    @classmethod
    def shape(cls, wrong: imports.Wrong) -> Self:
        return cls(line=wrong.line, bib=wrong.bib, field=in_client_words(wrong.field), reason=wrong.reason)


@strawberry.type(description="What became of a file.")
class ImportParticipantsPayload:
    dry_run: bool = strawberry.field(description="Whether nothing was stored.")
    created_count: int = strawberry.field(description="How many were entered, or would be.")
    refused_count: int = strawberry.field(description="How many lines were refused, or would be.")
    errors: list[ImportLineError] = strawberry.field(description="What is wrong, line by line.")
    columns: list[ImportedColumn] = strawberry.field(description="The column that was taken for each field.")
    unused_columns: list[str] = strawberry.field(description="Columns that were taken for nothing.")


@strawberry.type
class Mutation:
    @strawberry.mutation(
        description="Enters the participants of a CSV file: the good lines, with what is wrong about each of "
        "the others. Comma, semicolon or tab; a header that names the columns. Needs `participants:write`."
    )
    async def import_participants(
        self,
        info: Info,
        event_token: Annotated[str, strawberry.argument(description="The event's name.")],
        csv: Annotated[str, strawberry.argument(description="The file's text.")],
        mapping: Annotated[
            list[ColumnInput] | None,
            strawberry.argument(description="Columns with names that are not the usual ones."),
        ] = None,
        dry_run: Annotated[
            bool, strawberry.argument(description="Whether only to look, not to store.")
        ] = False,
    ) -> ImportParticipantsPayload:
        named = {FIELDS.get(each.field, each.field): each.column for each in mapping or ()}
        found = await imports.participants(info.context, event_token, csv, named, dry_run=dry_run)
        return ImportParticipantsPayload(
            dry_run=dry_run,
            created_count=found.created,
            refused_count=found.refused,
            errors=[ImportLineError.shape(wrong) for wrong in found.wrong],
            columns=[
                ImportedColumn(field=in_client_words(field), column=column)
                for field, column in found.columns.items()
            ],
            unused_columns=list(found.unused),
        )

"""Alembic's door: runs the steps on the connection that `models.migrate` hands over."""

from alembic import context
from sqlmodel import SQLModel

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=False,
)
with context.begin_transaction():
    context.run_migrations()

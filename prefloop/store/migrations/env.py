"""Runs the migrations inside the transaction that `database.open_database` has begun."""

from alembic import context

from prefloop.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
)

with context.begin_transaction():
    context.run_migrations()

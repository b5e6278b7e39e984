"""Runs the migrations inside the transaction that `database.open_database` has begun."""

from alembic import context

from prefloop.store.core.team_tables import people

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=people.metadata,  # one for both modules of tables
    version_table=context.config.attributes["version_table"],
    render_as_batch=True,
)

with context.begin_transaction():
    context.run_migrations()

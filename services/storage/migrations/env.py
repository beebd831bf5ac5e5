"""Alembic's environment: it runs inside the transaction that services.storage.migrate opened."""

from alembic import context

from services.storage.all_tables import load_tables
from services.storage.tables import Base

load_tables()

# Batch mode rebuilds a table where SQLite cannot alter it; on PostgreSQL it is a plain ALTER.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

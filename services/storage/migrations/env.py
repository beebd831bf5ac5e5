"""Alembic's environment: it runs inside the transaction that services.storage.migrate opened."""

from alembic import context

from services.storage import account_tables as _account_tables  # noqa: F401 - its tables belong to the same metadata
from services.storage import line_tables as _line_tables  # noqa: F401
from services.storage import sms_tables as _sms_tables  # noqa: F401
from services.storage.tables import Base

# Batch mode rebuilds a table where SQLite cannot alter it; on PostgreSQL it is a plain ALTER.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

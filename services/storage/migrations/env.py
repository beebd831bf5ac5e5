"""Alembic's environment: it runs inside the transaction that services.storage.migrate opened."""

from alembic import context

from services.storage import account_tables as _account_tables  # noqa: F401 - its tables belong to the same metadata
from services.storage import audit_tables as _audit_tables  # noqa: F401
from services.storage import chat_tables as _chat_tables  # noqa: F401
from services.storage import delivery_tables as _delivery_tables  # noqa: F401
from services.storage import idempotency_tables as _idempotency_tables  # noqa: F401
from services.storage import key_tables as _key_tables  # noqa: F401
from services.storage import lease_tables as _lease_tables  # noqa: F401
from services.storage import legal_tables as _legal_tables  # noqa: F401
from services.storage import line_tables as _line_tables  # noqa: F401
from services.storage import preset_tables as _preset_tables  # noqa: F401
from services.storage import sign_in_tables as _sign_in_tables  # noqa: F401
from services.storage import sms_tables as _sms_tables  # noqa: F401
from services.storage import usage_tables as _usage_tables  # noqa: F401
from services.storage.tables import Base

# Batch mode rebuilds a table where SQLite cannot alter it; on PostgreSQL it is a plain ALTER.
context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()

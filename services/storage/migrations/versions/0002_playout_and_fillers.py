"""How a turn was played, and the phrases with which a persona bridges a slow answer."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With a default of the server's, SQLite adds a column without rebuilding the table, however many turns it holds.
    op.add_column("turns", sa.Column("playout", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("personas", sa.Column("fillers", sa.JSON(), server_default="[]", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("personas") as personas:
        personas.drop_column("fillers")
    with op.batch_alter_table("turns") as turns:
        turns.drop_column("playout")

"""The lines with their policies, and what an outgoing call is for."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "lines",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("identity", sa.Text(), nullable=True),
        sa.Column("policy", sa.JSON(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_lines_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lines")),
        sa.UniqueConstraint("company_id", "name", name=op.f("uq_lines_company_id_name")),
        sa.UniqueConstraint("company_id", "kind", "identity", name=op.f("uq_lines_company_id_kind_identity")),
    )
    # With a default of the server's, SQLite adds a column without rebuilding the table, however many calls it holds.
    op.add_column("calls", sa.Column("purpose", sa.Text(), server_default=sa.text("''"), nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("calls") as calls:
        calls.drop_column("purpose")
    op.drop_table("lines")

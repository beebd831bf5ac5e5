"""Companies: what the owner sets for each, plans, limits, usage."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # With defaults of the server's, SQLite adds the columns without rebuilding the table that all others point at.
    op.add_column("companies", sa.Column("plan", sa.Text(), server_default="standard", nullable=False))
    op.add_column("companies", sa.Column("settings", sa.JSON(), server_default="{}", nullable=False))
    op.add_column("companies", sa.Column("version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("companies", sa.Column("active", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("companies", sa.Column("updated_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "usage_counts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("day", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_usage_counts_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_usage_counts")),
        sa.UniqueConstraint(
            "company_id", "day", "kind", "owner_id", name=op.f("uq_usage_counts_company_id_day_kind_owner_id")
        ),
    )


def downgrade() -> None:
    op.drop_table("usage_counts")
    with op.batch_alter_table("companies") as companies:
        for column in ("updated_at", "active", "version", "settings", "plan"):
            companies.drop_column(column)

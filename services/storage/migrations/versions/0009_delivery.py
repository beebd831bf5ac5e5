"""What leaves the house and comes in: outbox, webhooks."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("ordered", sa.Boolean(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_by", sa.Text(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=False),
        sa.Column("receipt", sa.JSON(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_outbox_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("company_id", "kind", "key", name=op.f("uq_outbox_company_id_kind_key")),
    )
    op.create_index(op.f("ix_outbox_company_id_contact"), "outbox", ["company_id", "contact"], unique=False)
    op.create_index(
        op.f("ix_outbox_company_id_kind_target_place"),
        "outbox",
        ["company_id", "kind", "target", "place"],
        unique=False,
    )
    op.create_index(
        op.f("ix_outbox_company_id_status_created_at_id"),
        "outbox",
        ["company_id", "status", "created_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_outbox_status_next_at"), "outbox", ["status", "next_at"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("service", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("events", sa.JSON(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("switched_off", sa.Text(), nullable=False),
        sa.Column("old_secret_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_webhooks_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_webhooks_company_id_id")),
    )
    op.create_index(
        op.f("ix_webhooks_company_id_direction_active"), "webhooks", ["company_id", "direction", "active"], unique=False
    )
    op.create_table(
        "webhook_arrivals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("webhook_id", sa.Text(), nullable=False),
        sa.Column("delivery_id", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("contact", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("handled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["company_id", "webhook_id"],
            ["webhooks.company_id", "webhooks.id"],
            name=op.f("fk_webhook_arrivals_company_id_webhook_id_webhooks"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_webhook_arrivals_company_id_companies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_arrivals")),
        sa.UniqueConstraint("webhook_id", "delivery_id", name=op.f("uq_webhook_arrivals_webhook_id_delivery_id")),
    )
    op.create_index(
        op.f("ix_webhook_arrivals_company_id_contact"), "webhook_arrivals", ["company_id", "contact"], unique=False
    )
    op.create_index(
        op.f("ix_webhook_arrivals_company_id_webhook_id_received_at_id"),
        "webhook_arrivals",
        ["company_id", "webhook_id", "received_at", "id"],
        unique=False,
    )
    op.create_index(op.f("ix_webhook_arrivals_received_at"), "webhook_arrivals", ["received_at"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_webhook_arrivals_received_at"), table_name="webhook_arrivals")
    op.drop_index(op.f("ix_webhook_arrivals_company_id_webhook_id_received_at_id"), table_name="webhook_arrivals")
    op.drop_index(op.f("ix_webhook_arrivals_company_id_contact"), table_name="webhook_arrivals")
    op.drop_table("webhook_arrivals")
    op.drop_index(op.f("ix_webhooks_company_id_direction_active"), table_name="webhooks")
    op.drop_table("webhooks")
    op.drop_index(op.f("ix_outbox_status_next_at"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_company_id_status_created_at_id"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_company_id_kind_target_place"), table_name="outbox")
    op.drop_index(op.f("ix_outbox_company_id_contact"), table_name="outbox")
    op.drop_table("outbox")

"""Text messages and the parts in which they travel."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "text_messages",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("conversation_id", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("answered", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_text_messages_company_id_companies")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_messages")),
        sa.UniqueConstraint("company_id", "id", name=op.f("uq_text_messages_company_id_id")),
    )
    op.create_index(
        op.f("ix_text_messages_company_id_line_status_next_try_at"),
        "text_messages",
        ["company_id", "line", "status", "next_try_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_text_messages_company_id_number_created_at"),
        "text_messages",
        ["company_id", "number", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_text_messages_company_id_created_at"), "text_messages", ["company_id", "created_at"], unique=False
    )
    op.create_table(
        "text_parts",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reference", sa.Integer(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("pdu", sa.Text(), nullable=False),
        sa.Column("octets", sa.Integer(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("mr", sa.Integer(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("doubts", sa.Integer(), nullable=False),
        sa.Column("refusals", sa.Integer(), nullable=False),
        sa.Column("tried_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["companies.id"], name=op.f("fk_text_parts_company_id_companies")),
        sa.ForeignKeyConstraint(
            ["company_id", "message_id"],
            ["text_messages.company_id", "text_messages.id"],
            name=op.f("fk_text_parts_company_id_message_id_text_messages"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_text_parts")),
        sa.UniqueConstraint(
            "company_id", "line", "fingerprint", name=op.f("uq_text_parts_company_id_line_fingerprint")
        ),
    )
    op.create_index(
        op.f("ix_text_parts_company_id_message_id"), "text_parts", ["company_id", "message_id"], unique=False
    )
    op.create_index(
        op.f("ix_text_parts_company_id_line_tried_at"),
        "text_parts",
        ["company_id", "line", "tried_at"],
        unique=False,
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_text_parts_company_id_line_tried_at"), table_name="text_parts")
    op.drop_index(op.f("ix_text_parts_company_id_message_id"), table_name="text_parts")
    op.drop_table("text_parts")
    op.drop_index(op.f("ix_text_messages_company_id_created_at"), table_name="text_messages")
    op.drop_index(op.f("ix_text_messages_company_id_number_created_at"), table_name="text_messages")
    op.drop_index(op.f("ix_text_messages_company_id_line_status_next_try_at"), table_name="text_messages")
    op.drop_table("text_messages")

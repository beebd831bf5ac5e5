"""The audit chain and idempotency keys; the version of a FAQ entry."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_KEPT = (
    "seq at company_id actor_kind actor_id actor_name address request_id action resource resource_id digest previous "
    "hash"
).split()
_CUT = "(SELECT coalesce(max(seq), 0) FROM audit_anchors)"
_REFUSAL = "the audit log is append-only"


def upgrade() -> None:
    op.create_table(
        "audit_log",
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("resource", sa.Text(), nullable=False),
        sa.Column("resource_id", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("salt", sa.Text(), nullable=True),
        sa.Column("digest", sa.Text(), nullable=False, server_default=sa.text("''")),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_log")),
    )
    op.create_index(op.f("ix_audit_log_company_id_seq"), "audit_log", ["company_id", "seq"], unique=False)
    op.create_index(
        op.f("ix_audit_log_company_id_resource_resource_id_seq"),
        "audit_log",
        ["company_id", "resource", "resource_id", "seq"],
        unique=False,
    )
    op.create_index(op.f("ix_audit_log_at"), "audit_log", ["at"], unique=False)
    op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    op.create_table(
        "audit_anchors",
        sa.Column("seq", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_anchors")),
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("company_id", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("claim", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("leased_until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("location", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"], ["companies.id"], name=op.f("fk_idempotency_keys_company_id_companies")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_idempotency_keys")),
    )
    op.create_index(op.f("ix_idempotency_keys_company_id_created_at"), "idempotency_keys", ["company_id", "created_at"])
    op.create_index(op.f("ix_idempotency_keys_created_at"), "idempotency_keys", ["created_at"])
    op.add_column("faq_entries", sa.Column("version", sa.Integer(), nullable=False, server_default="1"))
    for statement in _sqlite_triggers() if op.get_bind().dialect.name == "sqlite" else _postgresql_triggers():
        op.execute(statement)


def _sqlite_triggers() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS OLD.{name}" for name in _KEPT)
    refuse = f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
    return [
        "CREATE TRIGGER audit_log_keeps BEFORE UPDATE ON audit_log "
        f"WHEN NOT (NEW.detail IS NULL AND NEW.salt IS NULL AND {same}) {refuse}",
        f"CREATE TRIGGER audit_log_stays BEFORE DELETE ON audit_log WHEN OLD.seq > {_CUT} {refuse}",
        f"CREATE TRIGGER audit_anchors_keep BEFORE UPDATE ON audit_anchors {refuse}",
        f"CREATE TRIGGER audit_anchors_stay BEFORE DELETE ON audit_anchors {refuse}",
        f"CREATE TRIGGER audit_head_stays BEFORE DELETE ON audit_head {refuse}",
        f"CREATE TRIGGER audit_head_grows BEFORE UPDATE ON audit_head WHEN NEW.seq <= OLD.seq {refuse}",
    ]


def _postgresql_triggers() -> list[str]:
    same = " AND ".join(f"NEW.{name} IS NOT DISTINCT FROM OLD.{name}" for name in _KEPT)
    refuse = f"RAISE EXCEPTION '{_REFUSAL}';"
    body = f"""
        CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            IF TG_TABLE_NAME = 'audit_log' AND TG_OP = 'UPDATE' THEN
                IF NEW.detail IS NULL AND NEW.salt IS NULL AND {same} THEN RETURN NEW; END IF;
            ELSIF TG_TABLE_NAME = 'audit_log' AND TG_OP = 'DELETE' THEN
                IF OLD.seq <= {_CUT} THEN RETURN OLD; END IF;
            ELSIF TG_TABLE_NAME = 'audit_head' AND TG_OP = 'UPDATE' THEN
                IF NEW.seq > OLD.seq THEN RETURN NEW; END IF;
            END IF;
            {refuse}
        END $$"""
    call = "EXECUTE FUNCTION audit_append_only()"
    made = [body]
    for table in ("audit_log", "audit_anchors", "audit_head"):
        made.append(f"CREATE TRIGGER {table}_rows BEFORE UPDATE OR DELETE ON {table} FOR EACH ROW {call}")
        made.append(f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT {call}")
    return made


def downgrade() -> None:
    op.drop_column("faq_entries", "version")
    op.drop_table("idempotency_keys")
    op.drop_table("audit_anchors")
    op.drop_table("audit_head")
    op.drop_table("audit_log")
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_append_only()")

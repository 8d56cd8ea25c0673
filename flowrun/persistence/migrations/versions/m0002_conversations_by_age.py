"""Conversations can be found by their age."""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Make the index."""
    op.create_index("conversations_by_age", "conversations", ["updated_at"])


def downgrade() -> None:
    """Drop it."""
    op.drop_index("conversations_by_age", "conversations")

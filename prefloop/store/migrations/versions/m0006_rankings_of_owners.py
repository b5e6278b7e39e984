"""An owner's verdict on a ranking is a ranking.

Verdicts from before name the best sample alone, and stay as they are.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; no row is lost."""
    comment = "what its label type wants besides, as JSON"
    op.add_column("adjudications", sa.Column("details", sa.Text, comment=comment))

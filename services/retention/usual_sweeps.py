"""What the clean-up of every installation sweeps out besides calls and text messages."""

from datetime import timedelta

from services.retention.settings import RetentionSettings
from services.retention.sweeps import Sweep, days
from services.storage.books import Books

OVER = timedelta(days=30)
"""How long a session or a link that is over can still be looked up."""
COUNTED = timedelta(days=800)
"""How long it is known what was used: two years and what somebody asks about later."""
AT_ONCE = timedelta(0)


def usual_sweeps(settings: RetentionSettings, books: Books) -> list[Sweep]:
    """Return the sweeps of the house's own tables."""
    deliveries = days(settings.deliveries_days)
    return [
        Sweep("chats", days(settings.chats_days), books.old_rows.chats),
        Sweep("outbox", deliveries, books.outbox.sweep),
        Sweep("arrivals", deliveries, books.arrivals.sweep),
        Sweep("sessions", OVER, books.old_rows.sessions),
        Sweep("invitations", OVER, books.old_rows.invitations),
        Sweep("usage", COUNTED, books.usage.sweep),
        Sweep("idempotency", AT_ONCE, lambda _, batch: books.idempotency.clean_up(batch)),
        Sweep("audit", days(settings.audit_days), lambda before, _: books.audit.cut(before)),
    ]

"""Everything that leaves the house later: the sender of the outbox, its deliverers, webhooks, the guarded client."""

"""What leaves the house and comes in: outbox, webhooks, arrivals."""

"""The state of the house: figures, monitor, audit, usage, backups, outbox."""

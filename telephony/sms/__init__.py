"""Text messages over a GSM modem: the PDU codec, the modem's procedures, inbox, outbox and the written conversation."""

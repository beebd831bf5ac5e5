"""The GSM channel: a SIM7600 modem on USB gives calls to the secretary."""

"""Short messages: the SIM's store, the service that fills and empties it, PDUs and their alphabet."""

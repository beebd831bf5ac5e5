"""Companies and who may sign in: users, sessions, keys, invitations, what is used."""

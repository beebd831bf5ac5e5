"""Who may do what: users with their roles, passwords, sign-in and the tokens it gives."""

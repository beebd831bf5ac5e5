"""What several processes of one installation share through Redis or, without it, each keeps for itself."""

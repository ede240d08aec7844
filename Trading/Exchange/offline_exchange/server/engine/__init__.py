"""Orders, accounts and their matching."""

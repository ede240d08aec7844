"""A check of one exchange with the keys of an account: what works there, a row each."""

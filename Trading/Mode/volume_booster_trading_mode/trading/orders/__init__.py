"""Orders on their way: what is asked for, and what the exchange says became of it."""

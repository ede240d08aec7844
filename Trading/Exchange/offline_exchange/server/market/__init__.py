"""The prices: drawn from a seed, or recorded ones."""

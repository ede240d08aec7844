"""How arguments are read, and what is said of those that can't be used."""

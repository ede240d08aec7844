"""OctoBot and the exchange, read and written in the core's own words."""

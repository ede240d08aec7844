"""A local spot exchange in its own process: a seeded market behind Binance's public REST API."""

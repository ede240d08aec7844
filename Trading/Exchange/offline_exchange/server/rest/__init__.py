"""Binance's REST API over the exchange."""

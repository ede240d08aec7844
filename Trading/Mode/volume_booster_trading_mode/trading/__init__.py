"""The running campaign of one pair: its loop, its orders and what people press."""

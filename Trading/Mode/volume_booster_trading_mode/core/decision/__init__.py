"""What to do next, from one snapshot of the market: guards, side, size, price and pace."""

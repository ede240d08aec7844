"""What markets, orders and fills are: plain values that everything else is said in. Imports nothing of ours."""

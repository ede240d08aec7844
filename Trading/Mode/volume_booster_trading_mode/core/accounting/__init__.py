"""What has happened: fills counted once, positions, costs, and what the exchange says of our orders."""

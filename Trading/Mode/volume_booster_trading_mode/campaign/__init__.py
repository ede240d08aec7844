"""What all pairs of one bot share."""

"""What is different with futures: the position, and its guards."""

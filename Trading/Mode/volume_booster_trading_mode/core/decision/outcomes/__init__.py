"""What a decision may be: an order, a cancellation, a wait, a halt, the end."""

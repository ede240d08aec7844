"""What a campaign would come to before it starts."""

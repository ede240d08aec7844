"""What a terminal shows of a campaign."""

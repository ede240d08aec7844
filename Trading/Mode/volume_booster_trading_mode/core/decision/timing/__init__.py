"""When the next order is due, and the schedule of a campaign."""

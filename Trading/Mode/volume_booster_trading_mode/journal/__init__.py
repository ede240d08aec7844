"""The file in which a campaign is written down, and its lock."""

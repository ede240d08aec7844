"""Quotes on both sides of the market, and the schedule that they keep."""

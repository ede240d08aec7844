"""What is done before a campaign: settings, a profile, candles; and the list of those that were."""

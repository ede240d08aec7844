"""The deciding part of the volume booster: no OctoBot, no input or output, no clock and no global randomness."""

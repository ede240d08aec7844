"""The OctoBot that the mode runs in: settings, notifications, errors, the clock of a backtest."""

"""The command line `volume-booster`: it drives OctoBot as a process of its own."""

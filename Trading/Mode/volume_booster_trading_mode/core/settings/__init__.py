"""The settings: their bounds, their presets, and what is corrected in them."""

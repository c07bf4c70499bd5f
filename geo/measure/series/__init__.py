"""Areas of a whole series, measured by what changed."""

"""Areas, changes, front line and settlements, from frames."""

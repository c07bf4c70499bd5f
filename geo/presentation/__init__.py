"""How classes, sides and places look and are called."""

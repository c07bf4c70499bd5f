"""Names and places: spelling, registers, the index, the rules, and how a mention is weighed."""

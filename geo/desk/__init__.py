"""The desk's routine: what is new fetched from its source's address, taken in, measured, drawn and written."""

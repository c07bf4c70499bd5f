"""The reader of language: sentences, dates, numbers, names."""

"""How each question to an archive is answered: what is read, what is measured, and what the figures rest on."""

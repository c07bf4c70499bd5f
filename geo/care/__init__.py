"""Care of an archive: is it whole, a mended copy, a backup."""

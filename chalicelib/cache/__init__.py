"""Redis: copies that make reads fast and may be lost at any time; the truth is in MongoDB."""

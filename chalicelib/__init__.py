"""The arena's functions: everything below this folder, and nothing else, is deployed with app.py."""

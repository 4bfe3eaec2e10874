"""The pictures in the documentation, drawn from the code they show: ``python -m infra.drawings`` draws all anew."""

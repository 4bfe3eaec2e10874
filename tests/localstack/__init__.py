"""The plug-in, inside a real LocalStack. A package, so that its LocalStack ends with its last test."""

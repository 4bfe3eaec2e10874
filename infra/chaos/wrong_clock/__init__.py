"""What interpreters of a chaos run load first."""

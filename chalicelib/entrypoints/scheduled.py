"""What runs by the clock. Each function repeats safely, does a bounded piece of work and says what it did."""

from typing import Final

from chalice.app import Blueprint

blueprint: Final = Blueprint(__name__)

"""Text as the game's original runtime sees it: UTF-16 units, its own idea of white space."""

from typing import Final

# WhiteSpace and LineTerminator (ECMA-262 12.2, 12.3). Unlike str.strip(), includes U+FEFF and excludes U+0085 and the
# separators U+001C..U+001F.
_WHITESPACE: Final = (
    "\t\n\v\f\r \u00a0\u1680"
    "\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000\ufeff"
)


def js_trim(text: str) -> str:
    """``text`` without leading and trailing white space."""
    return text.strip(_WHITESPACE)


def utf16_length(text: str) -> int:
    """How many UTF-16 units ``text`` has, the length the game's limits count."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def well_formed(text: str) -> str:
    """``text`` with each half of a broken surrogate pair as U+FFFD.

    JSON can carry such halves; neither UTF-8 nor BSON can, and the game's runtime replaces them the same way.
    """
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

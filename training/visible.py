"""Text from outside for a terminal, which shows it and does nothing else."""

__all__ = ["visible"]


def visible(text: bytes | str) -> str:
    r"""Give a text in which whatever does not print is escaped, line ends included.

    >>> visible(b"bell \x07 \xff")
    'bell \\x07 \\xff'
    """
    characters = text.decode("utf-8", "backslashreplace") if isinstance(text, bytes) else text
    shown = characters.replace("\t", " ")
    if shown.isprintable():
        return shown
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in shown)

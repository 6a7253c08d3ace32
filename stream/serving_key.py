"""Where ``rekey`` and ``up`` are told the key: by options, by settings, or by a model that ``logscry learn`` made."""

from contextlib import suppress

from model.errors import ModelError
from model.lines.key_rule import KeyRule
from model.reading_part import ReadingPart
from stream.settings import Settings

__all__ = ["learnt_key", "said_key"]


def said_key(options: KeyRule, settings: Settings) -> KeyRule:
    """Give the rule that a person set: that of the options, or else that of the settings.

    Args:
        options: What the key options say; a rule that assigns no keys where none is given.
        settings: The static settings.
    """
    return options if options.assigns_keys else settings.key.rule()


def learnt_key(settings: Settings) -> tuple[KeyRule, str | None]:
    """Give the rule that ``logscry learn`` chose.

    Returns:
        The rule, one that assigns no keys where the model has none; and the format in which the rekey stage must read
        lines to find the key, None where the settings say it or the lines' content tells.
    """
    with suppress(ModelError):  # the processes that need the model say what is wrong with it
        reading = ReadingPart.load(settings.model.path)
        if reading.rekey is not None:
            is_told = settings.lines.format is not None or reading.line_format.kind != "text"
            return reading.rekey, None if is_told else reading.line_format.header
    return KeyRule(), None

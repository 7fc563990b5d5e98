"""Errors that a person can act on."""


class UsageError(Exception):
    """Something the caller gave or the machine lacks; its text is one sentence: what, where, what to do.

    Command lines end with exit code 2 and print the sentence alone, without a traceback.
    """

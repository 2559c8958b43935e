"""Writes guest memory dumps from text descriptions; shares no code with the C library."""


class DescriptionError(Exception):
    """The description asks for something that has no meaning."""

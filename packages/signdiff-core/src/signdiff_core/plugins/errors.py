"""What can go wrong with a plug-in."""


class PluginError(RuntimeError):
    """A plug-in is registered, but cannot be loaded or used; the message says why."""


class UnknownPluginError(LookupError):
    """No plug-in of this name is registered; the message lists those that are."""

"""A score that can't be had without its ceiling and its signature: all that has to agree before two are compared."""

from __future__ import annotations

from dataclasses import dataclass

__version__ = "0.1.0"


@dataclass(frozen=True, slots=True)
class Signature:
    """The name of a score and the settings that fix its value, as sacrebleu writes them.

    Attributes:
        name: the score's key, such as ``dtw_mje``.
        settings: (setting, value) pairs in the order in which they are written.
        version: version of this package.

    Raises:
        ValueError: a name, setting or value is empty or holds ``|``, or a setting holds ``:``.

    Example:
        >>> signature = Signature("dtw_mje", (("fps", "25"), ("protocol", "free")), version="0.1.0")
        >>> str(signature)
        'dtw_mje|fps:25|protocol:free|version:0.1.0'
        >>> Signature.parse(str(signature)) == signature
        True
    """

    name: str
    settings: tuple[tuple[str, str], ...] = ()
    version: str = __version__

    def __post_init__(self) -> None:
        for part in (self.name, self.version, *(part for pair in self.settings for part in pair)):
            if not part or "|" in part:
                raise ValueError(f"settings of a signature must be non-empty and without '|', but one is {part!r}.")
        for setting, _ in self.settings:
            if ":" in setting or setting == "version":
                raise ValueError(f"settings must not hold ':' or be called 'version', but one is {setting!r}.")

    def __str__(self) -> str:
        return "|".join([self.name, *(f"{k}:{v}" for k, v in self.settings), f"version:{self.version}"])

    def extended(self, **settings: str) -> Signature:
        """Make a copy with further settings at the end."""
        return Signature(self.name, (*self.settings, *settings.items()), self.version)

    @classmethod
    def parse(cls, text: str) -> Signature:
        """Read a signature back from its text.

        Args:
            text: what `str` made of a signature.

        Raises:
            ValueError: ``text`` isn't of the form ``name|setting:value|...|version:value``.
        """
        name, *parts = text.split("|")
        pairs = [tuple(part.split(":", 1)) for part in parts]
        if not pairs or any(len(pair) != 2 for pair in pairs) or pairs[-1][0] != "version":
            raise ValueError(f"a signature must read 'name|setting:value|...|version:value', but is {text!r}.")
        return cls(name, tuple((pair[0], pair[1]) for pair in pairs[:-1]), pairs[-1][1])


@dataclass(frozen=True, slots=True)
class Score:
    """What a report prints for one metric.

    Attributes:
        value: the system's score.
        ceiling: the same score, computed in the same way, with the reference in the hypothesis' place.
        ideal: the best possible value (0 for errors, 1 for ratios and similarities).
        signature: the settings that fix both.

    Example:
        >>> from signdiff_eval.signature import Signature
        >>> print(Score(0.25, 0.0, 0.0, Signature("dtw_mje", version="0.1.0")))
        dtw_mje|version:0.1.0 = 0.2500 (ceiling 0.0000)
    """

    value: float
    ceiling: float
    ideal: float
    signature: Signature

    def __str__(self) -> str:
        return f"{self.signature} = {self.value:.4f} (ceiling {self.ceiling:.4f})"

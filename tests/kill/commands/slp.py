"""Commands of signdiff-slp."""

from __future__ import annotations

from kill.command import Command, script

SLP = [
    Command(
        name="slp prepare",
        line=lambda home, out: script(
            *("signdiff-slp", "prepare", "--train", home / "openpose", home / "texts.tsv", "-o", out / "corpus"),
            *("--shard", "1", "--workers", "2", "--skels"),
        ),
    ),
    Command(
        name="slp corpus fingerspelling",
        once=True,
        line=lambda home, out: script(
            "signdiff-slp", "corpus", "fingerspelling", "-o", out / "corpus", "--share", "0.002"
        ),
    ),
    Command(
        name="slp corpus poses",
        once=True,
        line=lambda home, out: script(
            *("signdiff-slp", "corpus", "poses", home / "poses", "-o", out / "corpus", "--texts", home / "split.tsv")
        ),
        is_quick=True,
    ),
    Command(
        name="slp corpus skels",
        once=True,
        line=lambda home, out: script("signdiff-slp", "corpus", "skels", home / "skels", "-o", out / "corpus"),
        is_quick=True,
    ),
    Command(
        name="slp corpus export",
        line=lambda home, out: script("signdiff-slp", "corpus", "export", home / "corpus", "-o", out / "items"),
    ),
    Command(
        name="slp vocabulary",
        line=lambda home, out: script(
            "signdiff-slp", "vocabulary", home / "corpus", "-o", out / "v.json", "--kind", "character"
        ),
        older="v.json",
        is_quick=True,
    ),
    Command(
        name="slp sign",
        line=lambda home, out: script("signdiff-slp", "sign", "hi", "-o", out / "hi.pose", "--timing"),
        older="hi.pose",
    ),
    Command(
        name="slp check",
        line=lambda home, out: script(
            *("signdiff-slp", "check", home / "texts.tsv", "--clips", home / "openpose", "--deep"),
            *("--csv", out / "found.csv"),
        ),
        older="found.csv",
        is_quick=True,
    ),
    Command(
        name="slp step lift",
        line=lambda home, out: script(
            "signdiff-slp", "step", "lift", home / "pixels" / "one.pose", "-o", out / "one.pose"
        ),
        older="one.pose",
    ),
    Command(
        name="slp step read",
        line=lambda home, out: script(
            "signdiff-slp", "step", "read", home / "openpose" / "one", "-o", out / "one.pose"
        ),
        older="one.pose",
    ),
    Command(
        name="slp step clean",
        line=lambda home, out: script(
            "signdiff-slp", "step", "clean", home / "pixels" / "one.pose", "-o", out / "one.pose"
        ),
        older="one.pose",
        is_quick=True,
    ),
    Command(
        name="slp step normalise",
        line=lambda home, out: script(
            "signdiff-slp", "step", "normalise", home / "poses" / "one.pose", "-o", out / "one.pose"
        ),
        older="one.pose",
    ),
]

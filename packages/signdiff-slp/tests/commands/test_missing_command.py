import pytest

from signdiff_slp.cli import main


@pytest.mark.parametrize(
    ("arguments", "named"),
    [([], ["corpus", "vocabulary", "sign", "prepare"]), (["corpus"], ["skels", "poses"]), (["step"], ["read", "lift"])],
)
def test_a_command_without_its_subcommand_shows_what_there_is(arguments, named, capsys):
    with pytest.raises(SystemExit, match="2"):
        main(arguments)
    shown = capsys.readouterr()
    assert shown.out == ""
    assert all(name in shown.err for name in named)
    assert shown.err.splitlines()[-1].startswith(f"{' '.join(['signdiff-slp', *arguments])}: error: a ")
    assert "is missing" in shown.err

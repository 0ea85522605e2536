import pytest

from signdiff_eval import Score, Signature, __version__


def test_reads_back_what_it_writes():
    signature = Signature("dtw_pt", (("cost", "l1"), ("units", "a:b"))).extended(fps="25")
    assert str(signature) == f"dtw_pt|cost:l1|units:a:b|fps:25|version:{__version__}"
    assert Signature.parse(str(signature)) == signature


@pytest.mark.parametrize("text", ["", "dtw_pt", "dtw_pt|version", "dtw_pt|version:1|fps:25", "dtw_pt|fps|version:1"])
def test_parse_refuses(text):
    with pytest.raises(ValueError, match=r"must read 'name\|setting:value"):
        Signature.parse(text)


@pytest.mark.parametrize("settings", [(("fps", ""),), (("a|b", "1"),), (("a:b", "1"),), (("version", "1"),)])
def test_refuses_what_could_not_be_read_back(settings):
    with pytest.raises(ValueError, match="settings"):
        Signature("dtw_pt", settings)


def test_a_score_needs_its_ceiling_and_signature():
    with pytest.raises(TypeError, match="ceiling"):
        Score(value=0.5, ideal=0.0, signature=Signature("dtw_pt"))
    with pytest.raises(TypeError, match="signature"):
        Score(value=0.5, ceiling=0.0, ideal=0.0)

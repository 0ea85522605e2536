import json

import pytest

from signdiff_slp.corpora.read import corpus_rate


@pytest.mark.parametrize(
    ("report", "rate"),
    [({"fps": 50.0}, 50), ({"settings": {"fps": 29.97}}, 29.97), ({"format": "skels"}, None), (["others"], None)],
)
def test_the_rate_is_that_of_the_report(report, rate, tmp_path):
    assert corpus_rate(tmp_path) is None
    (tmp_path / "report.json").write_text(json.dumps(report))
    assert corpus_rate(tmp_path) == rate


@pytest.mark.parametrize(
    "content", ["{", '{"fps": 0}', '{"fps": NaN}', '{"fps": "50"}', '{"fps": true}', '{"fps": 1e999}', 9999 * "["]
)
def test_a_broken_report_is_named(content, tmp_path):
    (tmp_path / "report.json").write_text(content)
    with pytest.raises(ValueError, match=r"report\.json must "):
        corpus_rate(tmp_path)

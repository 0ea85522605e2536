"""Where the poses of a corpus's texts go, by their names."""

import json

import numpy as np
import pytest

import signdiff_slp  # noqa: F401
from signdiff_core import formats

torch = pytest.importorskip("torch")
from fairseq2.device import CPU  # noqa: E402
from fairseq2.gang import FakeGang, create_parallel_gangs  # noqa: E402
from fairseq2.metrics import MetricBag  # noqa: E402

from signdiff_slp.datasets.files import CorpusError  # noqa: E402
from signdiff_slp.datasets.text_pose import TextPoseBatch, TextPoseDataset  # noqa: E402
from signdiff_slp.models.progressive import ProgressiveConfig, create_single_model  # noqa: E402
from signdiff_slp.recipes.corpus import check_names  # noqa: E402
from signdiff_slp.recipes.generate.recipe import GenerateConfig, GenerateUnit  # noqa: E402

# The second and the last are names of PHOENIX14T.
NAMES = [
    "plain",
    "test/15December_2010_Wednesday_tagesschau-6039",
    "test/a",
    "dev/11August_2010_Wednesday_tagesschau-2",
]


def test_names_with_slashes_make_folders_each_with_its_mark(tmp_path):
    torch.manual_seed(0)
    config = ProgressiveConfig(
        model_dim=8, vocab_size=6, num_encoder_layers=1, num_decoder_layers=1, num_heads=2, ffn_inner_dim=8
    )
    model = create_single_model(config, CPU).eval()
    unit = GenerateUnit(model, tmp_path, GenerateConfig())
    batch = TextPoseBatch(
        ids=NAMES,
        source_seqs=torch.full((4, 2), 4),
        source_lens=[2] * 4,
        poses=torch.zeros(4, 3, 150),
        pose_lens=[3] * 4,
    )
    bag = MetricBag(CPU)
    unit.prepare_metric_bag(bag)
    unit.process_batch(batch, bag)
    for name in NAMES:
        assert len(formats.read(tmp_path / f"{name}.pose").body.data) > 0
    for folder in ("test", "dev"):
        assert json.loads((tmp_path / folder / "generator.json").read_text())["protocol"] == "free"


def test_what_is_cut_is_named_in_every_batch(tmp_path, caplog):
    torch.manual_seed(1)  # of weights whose counter does not rise
    config = ProgressiveConfig(
        model_dim=8, vocab_size=6, num_encoder_layers=1, num_decoder_layers=1, num_heads=2, ffn_inner_dim=8
    )
    model = create_single_model(config, CPU).eval()
    unit = GenerateUnit(model, tmp_path, GenerateConfig())
    bag = MetricBag(CPU)
    unit.prepare_metric_bag(bag)
    for names in (["a", "b"], ["c", "d"]):
        seqs = torch.full((2, 2), 4)
        batch = TextPoseBatch(
            ids=names, source_seqs=seqs, source_lens=[2] * 2, poses=torch.zeros(2, 3, 150), pose_lens=[3] * 2
        )
        unit.process_batch(batch, bag)
    told = [record.getMessage() for record in caplog.records if "were cut" in record.getMessage()]
    assert [line.rpartition("They are ")[2] for line in told] == ["a, b.", "c, d."]


@pytest.mark.parametrize(
    "name", ["../../escaped", "/tmp/escaped", "a//b", "a/./b", "..", "a\\b", "a/" + "x" * 300, "a/../../b", "dev/"]
)
def test_names_that_lead_elsewhere_are_refused_with_their_line(tmp_path, name):
    np.save(tmp_path / "test.poses.npy", np.zeros((4, 150), np.float32))
    (tmp_path / "test.tsv").write_text(f"fine\t0\t2\tja\n{name}\t2\t2\tnein\n")
    gangs = create_parallel_gangs(FakeGang(CPU), tp_size=1)
    with pytest.raises(CorpusError, match=r"test\.tsv:2: name must "):
        check_names(TextPoseDataset(tmp_path), "test", gangs)

"""Checkpoints as accelerate wrote them before, and networks that are no library's, which may have one tensor twice."""

import json
import shutil
import zipfile

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("accelerate")
pytest.importorskip("transformers")

from accelerate import Accelerator  # noqa: E402
from torch import nn  # noqa: E402

from signdiff_core.training.kit.run import LossLog  # noqa: E402
from signdiff_core.training.kit.state import RunState  # noqa: E402


class Network(nn.Module):
    """A network whose head has the weights of its embedding, as translators have."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(5, 3)
        self.middle = nn.Linear(3, 3)
        self.head = nn.Linear(3, 5, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, numbers):
        return self.head(self.middle(self.embedding(numbers)))


class Loss(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.network, self.ctc_head = Network(), nn.Linear(3, 2)

    def forward(self, numbers):
        return self.network(numbers).square().sum() + self.ctc_head(self.network.embedding(numbers)).square().sum()


class Best:
    cer = 100.0

    def state_dict(self):
        return {"cer": self.cer}

    def load_state_dict(self, state):
        self.cer = float(state["cer"])


class Training:
    def __init__(self, folder, **options):
        self.loss, self.best = Loss(), Best()
        self.optimizer = torch.optim.AdamW(self.loss.parameters(), lr=0.1)
        self.log = LossLog(folder / "losses.jsonl", is_writer=True)
        self.state = RunState(
            parts={"network": self.loss.network, "ctc_head": self.loss.ctc_head},
            optimizer=self.optimizer,
            extras={"log": self.log, "best": self.best},
            **{"data": "ab", "settings": {"d_model": 3}, **options},
        )

    def steps(self, first, last):
        for step in range(first, last):
            self.loss(torch.tensor([step % 5])).backward()
            self.optimizer.step()
            self.optimizer.zero_grad()
            self.log.add(step, {"loss": 0.5})
            self.best.cer = 50.0 - step


def same(one, other):
    pairs = zip(one.loss.parameters(), other.loss.parameters(), strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.fixture
def older(tmp_path):
    """A checkpoint of three steps, as signdiff-eval wrote it with accelerate."""
    folder, training = tmp_path / "checkpoint-3", Training(tmp_path)
    training.steps(0, 3)
    accelerator = Accelerator(cpu=True)
    accelerator.prepare(training.loss, training.optimizer)
    accelerator.save_state(str(folder))
    identity = {"data": "ab", "d_model": 3}
    parts = {"schedule": {"last_epoch": 3}, "best": {"cer": 48.0}, "log": training.log.state_dict()}
    (folder / "state.json").write_text(json.dumps({"identity": identity} | parts))
    return folder


def test_a_run_of_before_is_resumed_to_the_bit(older, tmp_path):
    straight, resumed = Training(tmp_path / "elsewhere"), Training(tmp_path)
    straight.log.path.parent.mkdir()
    straight.steps(0, 5)
    resumed.log.add(3, {"loss": 9.0})  # which comes again
    assert resumed.state.read(older) == {"step": 3}
    assert resumed.best.cer == 48.0
    resumed.steps(3, 5)
    assert same(straight, resumed)
    assert resumed.log.path.read_text() == straight.log.path.read_text()


def test_what_is_written_today_is_resumed_to_the_bit(tmp_path):
    straight, half = Training(tmp_path), Training(tmp_path / "half")
    half.log.path.parent.mkdir()
    straight.steps(0, 5)
    half.steps(0, 3)
    folder = tmp_path / "checkpoint-3"
    folder.mkdir()
    half.state.write(folder, step=3)
    resumed = Training(tmp_path / "half")
    assert resumed.state.read(folder) == {"step": 3}
    assert resumed.best.cer == 48.0
    resumed.steps(3, 5)
    assert same(straight, resumed)
    assert resumed.loss.network.head.weight is resumed.loss.network.embedding.weight
    kept = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    assert sorted(kept) == [
        "ctc_head/model.safetensors",
        "network/model.safetensors",
        "optimizer.safetensors",
        "training_state.json",
    ]


def test_other_data_and_networks_are_refused(older, tmp_path):
    with pytest.raises(ValueError, match=r"training data must be what .*checkpoint-3 was trained on"):
        Training(tmp_path, data="cd").state.read(older)
    with pytest.raises(ValueError, match=r"d_model must be 3 as in .*, but is 4"):
        Training(tmp_path, settings={"d_model": 4}).state.read(older)
    (older / "state.json").write_text(json.dumps({"best": {"cer": 1.0}}))  # the oldest, which told nothing of itself
    Training(tmp_path).state.read(older)
    with pytest.raises(ValueError, match=r"must be named checkpoint-<step>, but is .*/best"):
        Training(tmp_path).state.read(shutil.copytree(older, tmp_path / "best"))
    (older / "state.json").write_text(json.dumps({"log": {"bytes": -1}, "best": {"cer": 1.0}}))
    with pytest.raises(ValueError, match="must hold 'log' of this run, but does not: bytes must be an integer"):
        Training(tmp_path).state.read(older)
    (older / "state.json").write_text(json.dumps({"log": {"bytes": 0}}))
    with pytest.raises(ValueError, match="must hold 'best' of this run"):
        Training(tmp_path).state.read(older)


def rewritten(path, change, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path) as archive:
        content = {member.filename: archive.read(member) for member in archive.infolist()}
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in content.items():
            archive.writestr(name, change(name, data))


def test_archives_are_looked_over_before_torch_reads_them(older, tmp_path):
    path, whole = older / "optimizer.bin", (older / "optimizer.bin").read_bytes()

    def refused(message):
        with pytest.raises(ValueError, match=message):
            Training(tmp_path).state.read(older)
        path.write_bytes(whole)

    path.write_bytes(whole[:-100])
    refused(r"optimizer\.bin must be an archive of torch, but cannot be read")
    rewritten(path, lambda _, data: data, zipfile.ZIP_DEFLATED)
    refused("is compressed or encrypted")
    rows, million = b"K\x05", b"J\x00\x00\x10\x00"  # numbers of a pickle: the embedding's moments are (5, 3)
    rewritten(path, lambda name, data: data.replace(rows, million) if name.endswith("data.pkl") else data)
    refused(r"optimizer\.bin must be an archive of torch, but cannot be read: .*storage")
    torch.save({"state": {0: {"step": print}}}, path)
    refused(r"optimizer\.bin must be an archive of torch, but cannot be read")
    torch.save({"state": {index: {"step": 1, "exp_avg": torch.zeros(2)} for index in range(5)}}, path)
    refused(r"must hold moments of what is trained, but those of network\.embedding\.weight are of another")
    torch.save({"state": {7: {}}}, path)
    refused("must hold moments of 5 parameters, but holds others")
    path.unlink()
    with pytest.raises(ValueError, match=r"optimizer\.bin must be there"):
        Training(tmp_path).state.read(older)

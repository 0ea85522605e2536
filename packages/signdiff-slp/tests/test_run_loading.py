import dataclasses

import torch
import yaml

from signdiff_slp.cli import main
from signdiff_slp.tokenizers import CharacterTokenizer
from signdiff_slp.tokenizers.saved import save_tokenizer


def test_a_run_signs_without_a_word_on_stderr(make_model, tmp_path, capsys):
    model = make_model(vocab_size=6, max_frames_per_token=200)
    with torch.no_grad():  # the counter rises from the first frame on
        model.final_proj.bias[-1] = 1.0
    weights = tmp_path / "run" / "checkpoints" / "step_2" / "model" / "pp_00" / "tp_00"
    weights.mkdir(parents=True)
    torch.save(model.state_dict(), weights / "sdp_00.pt")
    checkpoints = tmp_path / "run" / "checkpoints"
    config = {"model_family": "slp_progressive", "model_config": dataclasses.asdict(model.config)}
    (checkpoints / "model.yaml").write_text(yaml.safe_dump(config))
    save_tokenizer(checkpoints, CharacterTokenizer("hi"))
    output = tmp_path / "hi.pose"
    assert main(["sign", "hi", "-o", str(output), "--model", str(tmp_path / "run")]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith(f"{output}: ")
    assert shown.err == ""

"""A log has a line for each step, and none twice."""

import json

from signdiff_eval.training.log import Log


def test_what_was_noted_after_the_checkpoint_goes_when_it_is_gone_on_from(tmp_path):
    log = Log(tmp_path / "losses.jsonl", is_writer=True)
    assert log.state_dict() == {"bytes": 0}
    log.add(1, {"loss": 2.0})
    log.add(2, {"loss": 1.0})
    kept = log.state_dict()
    log.add(3, {"loss": 0.5})
    with log.path.open("a") as file:
        file.write('{"step": 4, "lo')  # as a kill leaves it
    Log(log.path, is_writer=False).load_state_dict(kept)
    assert len(log.path.read_text().splitlines()) == 4
    log.load_state_dict(kept)
    log.add(3, {"loss": 0.25})
    rows = [json.loads(line) for line in log.path.read_text().splitlines()]
    assert rows == [{"step": 1, "loss": 2.0}, {"step": 2, "loss": 1.0}, {"step": 3, "loss": 0.25}]

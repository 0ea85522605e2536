"""The campaign of tests/attack itself: it is cut off without loss, and its inputs are what they were."""

import io
import json
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from random import Random

import pytest
from attack.mutate import json_files, zips

ATTACK = Path(__file__).parent / "attack"


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_campaign_that_is_cut_off_tells_what_it_did(tmp_path, number, status):
    command = [sys.executable, str(ATTACK), "--case", "texts", "--inputs", "10000000", "--findings", str(tmp_path)]
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # A shell starts what runs in the background with SIGINT ignored, and children inherit that.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as campaign:
        try:
            time.sleep(6)
            campaign.send_signal(number)
            table, told = campaign.communicate(timeout=60)
        finally:
            campaign.kill()
    assert campaign.returncode == status
    assert told.endswith("; the table is of the inputs until then.\n")
    head, texts, whole = (line.split() for line in table.splitlines())
    assert head[:4] == ["case", "inputs", "read", "refused"]
    assert texts[0] == "texts"
    assert int(texts[1]) == int(texts[2]) + int(texts[3]) == int(whole[1])


def test_no_number_of_a_file_stops_its_damage():
    content = json.dumps([10**400, -(10**400), 10**300, 0.5, float("inf")]).encode()
    damaged = {json_files.near_value(Random(seed), content) for seed in range(200)}
    assert len(damaged) > 10
    for one in damaged:
        json.loads(one)


def test_a_bomb_is_a_whole_archive():
    small = io.BytesIO()
    with zipfile.ZipFile(small, "w") as archive:
        archive.writestr("one", b"content")
    damaged = zips.bomb(Random(0), small.getvalue())
    assert len(damaged) < 1 << 21
    with zipfile.ZipFile(io.BytesIO(damaged)) as archive:
        assert archive.getinfo("one").file_size == 7 + (300 << 20)
        with archive.open("one") as member:
            assert member.read(10) == b"content\0\0\0"
        assert archive.testzip() is None

"""Run by ``nox -s frnet_only`` where nothing is installed but signdiff-frnet's wheel and what it asks for."""

import subprocess
import sys
import tempfile
from importlib.metadata import distributions
from importlib.util import find_spec
from pathlib import Path

FORBIDDEN = (
    "accelerate",
    "controlnet_aux",
    "diffusers",
    "fairseq2",
    "onnx",
    "signdiff_core",
    "signdiff_eval",
    "signdiff_slp",
    "torch",
    "transformers",
)
IMPORT = "import time; start = time.perf_counter(); import signdiff_frnet; {use}print(time.perf_counter() - start)"


def seconds(use: str = "") -> float:
    runs = [
        subprocess.run([sys.executable, "-c", IMPORT.format(use=use)], capture_output=True, check=True) for _ in "123"
    ]
    return min(float(run.stdout) for run in runs[1:])


def main() -> None:
    came_along = [name for name in FORBIDDEN if find_spec(name)]
    if came_along:
        sys.exit(f"signdiff-frnet must stand alone, but these came along: {', '.join(came_along)}")

    import numpy as np
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        frame, fr_map = Path(folder, "frame.png"), Path(folder, "map.png")
        pixels = np.full((300, 400, 3), 200, dtype=np.uint8)
        pixels[100:200, 150:250] = 40
        Image.fromarray(pixels).save(frame)
        command = Path(sys.executable).with_name("signdiff-frnet")
        subprocess.run([command, frame, "-o", fr_map], check=True)
        drawn = np.array(Image.open(fr_map))
    assert drawn.shape == (512, 704, 3), drawn.shape
    assert set(np.unique(drawn)) == {0, 255}
    assert (drawn[:150] == 255).all(), "the flat border must be white"
    assert (drawn[170:180, 300:400] == 0).any(axis=0).all(), "the square's upper edge must be black"

    from signdiff_frnet import FRNetPredictor

    drawing = np.zeros((256, 256, 3), dtype=np.uint8)
    drawing[120:124, 80:180] = (153, 50, 0)  # shoulders
    predicted = FRNetPredictor.from_pretrained()(drawing, image_resolution=256)
    assert predicted.shape == (256, 256, 3), predicted.shape
    assert set(np.unique(predicted)) == {0, 255}

    module = "signdiff_frnet.training.train_predictor"
    refused = subprocess.run([sys.executable, "-m", module], capture_output=True, text=True).stderr
    assert 'needs signdiff_core: pip install "signdiff-frnet[train]"' in refused, refused
    assert "Traceback" not in refused, refused

    found = sorted(distributions(), key=lambda one: one.name)
    size = sum(
        Path(str(file.locate())).stat().st_size for one in found for file in one.files or () if file.locate().exists()
    )
    print("installed:", ", ".join(f"{one.name} {one.version}" for one in found), f"({size / 1e6:.0f} MB)")
    print(f"import signdiff_frnet: {seconds():.3f} s")
    print(f"with the detector: {seconds('signdiff_frnet.FRNetDetector; '):.3f} s")
    print(f"with the predictor: {seconds('signdiff_frnet.FRNetPredictor.from_pretrained(); '):.3f} s")


if __name__ == "__main__":
    main()

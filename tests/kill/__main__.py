"""``python tests/kill [--kills N] [--seed N] [--only REGEX]``: the campaign, as a script."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # so that this folder is the package `kill`

from kill.campaign import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())

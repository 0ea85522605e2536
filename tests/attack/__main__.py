"""``python tests/attack [--inputs N] [--case NAME]``: the campaign, as a script."""

import sys
from pathlib import Path

sys.path[0] = str(Path(__file__).parents[1])  # so that this folder is the package `attack`

from attack.campaign import main  # noqa: E402
from attack.worker import serve  # noqa: E402

if __name__ == "__main__":
    sys.exit(serve(Path(sys.argv[2])) if sys.argv[1:2] == ["--worker"] else main())

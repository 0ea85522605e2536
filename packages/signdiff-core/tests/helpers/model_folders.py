"""Folders of models, as tests change them."""

import json


def change(path, **values):
    """Set values of a JSON object, or make a file of one."""
    content = json.loads(path.read_text()) if path.exists() else {}
    path.write_text(json.dumps(content | values))

"""The commands that write, each with small inputs."""

from kill.commands.core import CORE
from kill.commands.evaluation import EVAL
from kill.commands.frnet import FRNET
from kill.commands.recipes import RECIPES
from kill.commands.slp import SLP

COMMANDS = [*RECIPES, *SLP, *EVAL, *FRNET, *CORE]

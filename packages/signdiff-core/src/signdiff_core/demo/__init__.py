"""How the bundled demonstration was made; nothing else needs it.

``bake`` makes the avatar's cast of bodies, ``make_base`` an untrained base pipeline (its autoencoder starts as
``vae_start`` says), ``widen`` gives a trained one more channels, and ``bundle`` turns it into the one that comes with
the package. The trainings between them are those of `signdiff_core.training`; MODEL_CARD.md beside the bundled weights
has all commands.
"""

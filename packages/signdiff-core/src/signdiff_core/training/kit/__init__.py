"""What every training script of SignDiff is made of; those of signdiff-frnet and signdiff-eval use it, too.

``arguments`` makes command lines of dataclasses and loads nothing heavy. ``checkpoints`` keeps a run's folder,
``state`` is what a checkpoint holds, ``batches`` says which samples a step sees, ``run`` puts it all together and tells
about it, and ``card`` writes the model card. It needs torch, accelerate, transformers, huggingface_hub and tqdm.
"""

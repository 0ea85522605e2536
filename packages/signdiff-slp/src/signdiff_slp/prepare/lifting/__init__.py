"""Lifting: from 50 joints in a picture to 50 joints in space, with bones of constant lengths.

`clips` checks clips and takes many at once through `measuring`, which has the tree of limbs, and `fitting`.

Source: J. Zelinka and J. Kanis, Neural Sign Language Synthesis: Words Are Our Glosses, WACV 2020, and its published
program. What comes before the search, and where the search starts, is kept. What differs, and why:

- The root is the neck, where theirs is the nose. Every limb's far joint is nearer to the viewer than its near joint,
  or as near. So arms and fingers reach towards the viewer and the head is before the neck.
- Adam, whose rate falls, takes the place of gradient descent, so that a fifth of the 1,000 steps is enough.
- A spring holds bone lengths to what was measured. Without it, steps that go on make them ever longer, for a longer
  bone can reach anything by turning towards the viewer.
- Joints are a little smooth in time, also in depth, where a limb that lies across the line of sight makes noise large.
- No frame is dropped. A hand that is not seen for long goes with its arm.
"""

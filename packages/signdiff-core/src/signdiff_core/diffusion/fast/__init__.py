"""What a video need not compute twice: control without a say, hints, and deep features of the step before."""

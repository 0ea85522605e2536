"""An attack on every reader of the four packages: real small files, damaged in thousands of ways.

``nox -s attack -- --inputs 100000``, or in an environment with all four packages ``python tests/attack --inputs 500
--case pose``. ``--list`` names the cases. What is found lies in ``attack-findings/CASE-NUMBER/``, the input beside its
report, whose last line is the command that reads it again.

An input is a folder. It starts as a seed that the format's own reference tool wrote (pose-format, h5py, NumPy, torch,
FFmpeg, Pillow, SentencePiece), and for a real corpus's file where ``SIGNDIFF_REALDATA`` names samples; one to three
mutators damage one of its files. Two workers, each a process whose memory and time the operating system bounds, have
the case's reader read it. Right is one of two things:

- it is read, and what comes out passes the case's own check (finite, bounded, as many as the file says);
- it is refused with the reader's documented error, in one line that names the file.

All else is a finding: another exception, a message of several lines or without a name (``escape``), numbers that no
file of the kind can mean (``garbage``), a dead interpreter (``death``), and what is over its memory or time.

**A new reader** gets a case: see `attack.case.Case`, and `attack.cases.poses` for the simplest. A new way to damage a
file is a function from bytes to bytes in `attack.mutate`.
"""

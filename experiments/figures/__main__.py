"""Every figure, table and verdict of every experiment, from the store; what is missing is recorded first.

    python -m experiments.figures                        everything, into figures/
    python -m experiments.figures --only fourier         one experiment; fourier/helix: one part of it
    python -m experiments.figures --list                 the parts, what is made, about how long each takes

`interp figures` and `make figures` are the same command.
"""

from interp.cli.figures import figures
from interp.cli.main import script

if __name__ == "__main__":
    script(figures)

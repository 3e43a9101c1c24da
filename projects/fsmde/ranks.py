"""Which of how many processes this one is, as torchrun, mpirun or srun say it."""

import os

# The innermost first: torchrun is started by srun, once a machine, and mpirun inside a job of slurm, whose script counts as
# process 0 of its one.
RANK = 'RANK', 'OMPI_COMM_WORLD_RANK', 'SLURM_PROCID'
WORLD_SIZE = 'WORLD_SIZE', 'OMPI_COMM_WORLD_SIZE', 'SLURM_NTASKS'
LOCAL_RANK = 'LOCAL_RANK', 'OMPI_COMM_WORLD_LOCAL_RANK', 'SLURM_LOCALID'


def rank_and_world() -> tuple:
    """This process's rank and the number of processes: (0, 1) where nobody says so."""
    return _first_of(RANK, 0), _first_of(WORLD_SIZE, 1)


def local_rank() -> int:
    """This process's rank among those of its machine, 0 where nobody says so."""
    return _first_of(LOCAL_RANK, 0)


def _first_of(names, default):
    return next((int(os.environ[name]) for name in names if name in os.environ), default)

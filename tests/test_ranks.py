"""Who is who among processes, by what their launchers say."""

import pytest

from fsmde.ranks import LOCAL_RANK, RANK, WORLD_SIZE, local_rank, rank_and_world

TORCHRUN = dict(RANK='5', WORLD_SIZE='8', LOCAL_RANK='1')
SRUN = dict(SLURM_PROCID='6', SLURM_NTASKS='8', SLURM_LOCALID='2')
MPIRUN = dict(OMPI_COMM_WORLD_RANK='7', OMPI_COMM_WORLD_SIZE='8', OMPI_COMM_WORLD_LOCAL_RANK='3')
#: What a batch script of slurm says of itself.
SCRIPT = dict(SLURM_PROCID='0', SLURM_NTASKS='1', SLURM_LOCALID='0')


@pytest.mark.parametrize(
    'said, expected',
    [
        ({}, (0, 1, 0)),
        (TORCHRUN, (5, 8, 1)),
        (SRUN, (6, 8, 2)),
        (MPIRUN, (7, 8, 3)),
        (dict(SRUN, **TORCHRUN), (5, 8, 1)),
        (dict(SCRIPT, **MPIRUN), (7, 8, 3)),
    ],
)
def test_what_launchers_say(monkeypatch, said, expected):
    for name in (*RANK, *WORLD_SIZE, *LOCAL_RANK):
        monkeypatch.delenv(name, raising=False)
    for name, value in said.items():
        monkeypatch.setenv(name, value)
    assert (*rank_and_world(), local_rank()) == expected

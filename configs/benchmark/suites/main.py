"""The main table: the baseline, distillation and its bounds."""

baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py'),
    dict(name='sup_2x', title='supervised, twice the steps', config='configs/benchmark/sup_2x.py'),
    dict(name='ckd', title='CKD', config='configs/benchmark/ckd.py'),
    dict(name='vrkd', title='VRKD', config='configs/benchmark/vrkd.py'),
    dict(name='ckd_vrkd', title='CKD + VRKD', config='configs/benchmark/ckd_vrkd.py'),
    dict(name='oracle_ckd', title='bound: CKD from an oracle', config='configs/benchmark/oracle_ckd.py'),
    dict(name='dense', title='bound: dense supervision', config='configs/benchmark/dense.py'),
]

"""The main table: the baseline, the method, its competitors and the bounds.

Weights were chosen by the suites `tuning` (CKD) and `weights` (all others).
"""


def _kd(name, title, *distillers):
    """An arm that differs from the method in its distillers."""
    return dict(
        name=name,
        title=title,
        config='configs/benchmark/mini_teacher.py',
        cfg_options={'model.distillers': list(distillers)},
    )


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py', seeds=[0, 1, 2, 3, 4]),
    dict(name='sup_2x', title='supervised, twice the steps', config='configs/benchmark/sup_2x.py'),
    dict(name='ckd', title='CKD', config='configs/benchmark/ckd.py'),
    dict(name='vrkd', title='VRKD', config='configs/benchmark/vrkd.py'),
    dict(name='ckd_vrkd', title='CKD + VRKD', config='configs/benchmark/ckd_vrkd.py', seeds=[0, 1, 2, 3, 4]),
    _kd('ssi', 'scale- and shift-invariant response KD', dict(type='ScaleShiftInvariantKD', loss_weight=0.085)),
    _kd('hinton', 'Hinton KD on bins', dict(type='HintonBinKD', loss_weight=0.055)),
    _kd('tie', 'TIE-KD', dict(type='TieKD', loss_weight=0.05)),
    _kd('dist', 'DIST', dict(type='DISTKD', loss_weight=0.42)),
    _kd('fitnet', 'FitNet', dict(type='FitNetKD', loss_weight=11.5)),
    _kd('at', 'attention transfer', dict(type='AttentionTransferKD', loss_weight=0.6)),
    _kd('rkd', 'RKD', dict(type='RelationalKD', loss_weight=2.7)),
    _kd('cwd', 'CWD', dict(type='ChannelWiseKD', loss_weight=1.6)),
    _kd('pkd', 'PKD', dict(type='PearsonFeatureKD', loss_weight=2.8)),
    _kd('mgd', 'MGD', dict(type='MaskedGenerativeKD', loss_weight=18.0)),
    _kd('affinity', 'pair-wise affinity', dict(type='PairwiseAffinityKD', loss_weight=32.0)),
    dict(name='oracle_ckd', title='bound: CKD from an oracle', config='configs/benchmark/oracle_ckd.py'),
    dict(name='dense', title='bound: dense supervision', config='configs/benchmark/dense.py'),
]

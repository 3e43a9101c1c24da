"""Weights of all methods, chosen on the validation split: three each, one seed, no reported number.

The middle one of responses, and the smallest one of features, gives the student as large a gradient as CKD's, a quarter
of the supervised one, by tools/analysis_tools/profile_step.py on the supervised student's last weights. The ends are a
factor of about three apart; what is learned from features early in a training bears more.
"""


def _arms(name, weights, *others, **options):
    return [
        dict(
            name=f'{name}_{weight:g}',
            title=f'{options["type"]}, weight {weight:g}' + ' + CKD' * len(others),
            config='configs/benchmark/mini_teacher.py',
            cfg_options={'model.distillers': [*others, dict(options, loss_weight=weight)]},
        )
        for weight in weights
    ]


_ckd = dict(type='CrossInteractionKD', probabilities='aligned')

baseline = 'sup'
split = 'val'
seeds = [0]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/sup.py'),
    *_arms('ckd_vrkd', [1.9, 5.7, 19], _ckd, type='ViewRelationalKD', relation='feature', grid=[12, 20]),
    *_arms('ssi', [0.028, 0.085, 0.25], type='ScaleShiftInvariantKD'),
    *_arms('hinton', [0.055, 0.165, 0.5], type='HintonBinKD'),
    *_arms('tie', [0.05, 0.15, 0.45], type='TieKD'),
    *_arms('dist', [0.14, 0.42, 1.26], type='DISTKD'),
    *_arms('fitnet', [1.15, 3.5, 11.5], type='FitNetKD'),
    *_arms('at', [0.6, 1.8, 6], type='AttentionTransferKD'),
    *_arms('rkd', [0.9, 2.7, 9], type='RelationalKD'),
    *_arms('cwd', [1.6, 4.8, 16], type='ChannelWiseKD'),
    *_arms('pkd', [0.93, 2.8, 9.3], type='PearsonFeatureKD'),
    *_arms('mgd', [18, 54, 180], type='MaskedGenerativeKD'),
    *_arms('affinity', [3.2, 9.6, 32], type='PairwiseAffinityKD'),
]

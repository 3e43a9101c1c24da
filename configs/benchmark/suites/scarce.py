r"""LiDAR on 10, 3 and 1 % of the frames, in 29, 9 and 3 of the 72 scenes, and the teacher on all images. Test split.

The twin of a distilled arm trains on the same labelled frames alone, in as many steps; its batches are half as large, for
which there is a twin with twice the steps. Answers: see suites/converged.py; and in metres, by overlaps and motion:

    python tools/scale_answers.py configs/benchmark/imagenet/mini_teacher.py --answers data/benchmark_teacher_answers_kept \
        --out data/benchmark_metres_kept

And those of models/mini_teacher, which everyone has:

    python tools/scale_answers.py configs/benchmark/imagenet/mini_teacher.py --answers data/benchmark_teacher_answers_sky \
        --out data/benchmark_metres_sky
"""

_dataset = 'train_dataloader.dataset'
# Its weight by suite `imagenet_weights`.
_lighter = [
    dict(type='CrossInteractionKD', probabilities='aligned', self_align=True),
    dict(type='ViewRelationalKD', relation='feature', grid=[12, 20], loss_weight=0.57),
]


def _in_metres(metres, *distillers):
    caches = 'model.teacher.cache', *(f'{_dataset}.datasets.{i}.pipeline.3.cache' for i in (0, 1))
    return {'model.distillers': list(distillers), **dict.fromkeys(caches, metres)}


def _supervised(percent, name='sup', title='supervised'):
    return dict(
        name=f'{name}_{percent}',
        title=f'{title}, {percent} % labelled',
        config=f'configs/benchmark/imagenet/{name}.py',
        cfg_options={f'{_dataset}.labelled_fraction': percent / 100, f'{_dataset}.only_labelled': True},
        baseline=f'sup_{percent}',
    )


def _distilled(
    percent, name='ckd_vrkd_0.57', title='CKD + VRKD at a tenth of its weight', distillers=_lighter, **options
):
    options |= {f'{_dataset}.datasets.{i}.labelled_fraction': percent / 100 for i in (0, 1)}
    if distillers:
        options['model.distillers'] = distillers
    return dict(
        name=f'{name}_{percent}',
        title=f'{title}, {percent} % labelled, beside as many of all',
        config='configs/benchmark/imagenet/few_labels.py',
        cfg_options=options,
        baseline=f'sup_{percent}',
    )


_ckd_vrkd = dict(type='CrossInteractionKD', probabilities='aligned'), _lighter[1]
_metres = _in_metres('data/benchmark_metres', *_ckd_vrkd)
_metres_sky = _in_metres('data/benchmark_metres_sky', *_ckd_vrkd)
_depth = _in_metres('data/benchmark_metres_sky', dict(type='AlignedDepthKD'))
_kept = _in_metres('data/benchmark_metres_kept', dict(type='AlignedDepthKD'))


baseline = 'sup'
split = 'test'
seeds = [0, 1, 2]
arms = [
    dict(name='sup', title='supervised', config='configs/benchmark/imagenet/sup.py', suite='converged'),
    *[_supervised(percent) for percent in (10, 3, 1)],
    _distilled(3),
    _distilled(3, 'metres', 'the same, the teacher in metres by overlaps and motion', None, **_metres),
    # The config's own: the weight of students from random weights.
    _distilled(3, 'ckd_vrkd', 'CKD + VRKD', None),
    _supervised(3, 'sup_2x', 'supervised, twice the steps'),
    *[
        _distilled(
            percent,
            'depth_metres_kept',
            'aligned depth and gradients, models/benchmark_teacher in metres',
            None,
            **_kept,
        )
        for percent in (10, 3, 1)
    ],
    _distilled(
        3, 'metres_sky', 'CKD + VRKD at a tenth of its weight, models/mini_teacher in metres', None, **_metres_sky
    ),
    *[
        _distilled(
            percent, 'depth_metres', 'aligned depth and gradients, models/mini_teacher in metres', None, **_depth
        )
        for percent in (10, 3, 1)
    ],
]

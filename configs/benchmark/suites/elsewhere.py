r"""A town without LiDAR: supervised at home, distilled at home, distilled on that town's images, supervised there. Test split.

The town, and the answers of the teacher that is kept, see suites/converged.py, for it and for home, seen by the cameras that
both have:

    python tools/dataset_converters/make_synthetic.py data/benchmark_elsewhere --preset elsewhere --size 192x320 \
        --train-scenes 72 --val-scenes 12 --test-scenes 24
    python tools/cache_teacher.py configs/benchmark/imagenet/live_teacher.py --out data/benchmark_elsewhere_answers_kept \
        --cfg-options train_dataloader.dataset.data_root=data/benchmark_elsewhere \
        train_dataloader.dataset.cameras='[CAMERA_01,CAMERA_02,CAMERA_03,CAMERA_04,CAMERA_05]'
    python tools/cache_teacher.py configs/benchmark/imagenet/live_teacher.py --out data/benchmark_home_answers_kept \
        --cfg-options train_dataloader.dataset.cameras='[CAMERA_01,CAMERA_05,CAMERA_07,CAMERA_08,CAMERA_06]'

And both in metres, by overlaps and motion:

    python tools/scale_answers.py configs/benchmark/imagenet/mini_teacher.py --answers data/benchmark_elsewhere_answers_kept \
        --out data/benchmark_elsewhere_metres_kept --cfg-options train_dataloader.dataset.data_root=data/benchmark_elsewhere \
        train_dataloader.dataset.cameras='[CAMERA_01,CAMERA_02,CAMERA_03,CAMERA_04,CAMERA_05]'
    python tools/scale_answers.py configs/benchmark/imagenet/mini_teacher.py --answers data/benchmark_home_answers_kept \
        --out data/benchmark_home_metres_kept \
        --cfg-options train_dataloader.dataset.cameras='[CAMERA_01,CAMERA_05,CAMERA_07,CAMERA_08,CAMERA_06]'
"""

_dataset = 'train_dataloader.dataset'
_home = ['CAMERA_01', 'CAMERA_05', 'CAMERA_07', 'CAMERA_08', 'CAMERA_06']
_place = dict(data_root='data/benchmark_elsewhere', cameras=[f'CAMERA_0{i}' for i in range(1, 6)])
_judged = {f'test_dataloader.dataset.{key}': value for key, value in _place.items()}
_there = {f'{_dataset}.{key}': value for key, value in _place.items()}
# Its weight by suite `imagenet_weights`.
_lighter = [
    dict(type='CrossInteractionKD', probabilities='aligned', self_align=True),
    dict(type='ViewRelationalKD', relation='feature', grid=[12, 20], loss_weight=0.57),
]
_metres = 'data/benchmark_elsewhere_metres'
_ckd_vrkd = dict(type='CrossInteractionKD', probabilities='aligned'), _lighter[1]
# Of depth itself: without LiDAR nothing else says where the centers of the bins are to be.
_alone = {
    'model.distillers': [dict(type='AlignedDepthKD'), _lighter[1]],
    'model.teacher.cache': _metres,
    f'{_dataset}.pipeline.3.cache': _metres,
    f'{_dataset}.labelled_fraction': 0,
}


def _in_metres(home, there, *distillers):
    caches = 'model.teacher.cache', f'{_dataset}.datasets.0.pipeline.3.cache'
    town = {f'{_dataset}.datasets.1.pipeline.3.cache': there}
    return {'model.distillers': list(distillers), **dict.fromkeys(caches, home), **town}


def _arm(name, title, config, **options):
    return dict(name=name, title=title, config=f'configs/benchmark/imagenet/{config}.py', cfg_options=options)


baseline = 'sup_home'
split = 'test'
seeds = [0, 1, 2]
arms = [
    _arm('sup_home', 'supervised at home', 'sup', **{f'{_dataset}.cameras': _home, **_judged}),
    _arm('kd_home', 'distilled at home', 'home', **_judged),
    _arm(
        'depth_home',
        'aligned depth and gradients at home, models/benchmark_teacher',
        'home',
        **{
            'model.distillers': [dict(type='AlignedDepthKD')],
            'model.teacher.cache': 'data/benchmark_home_answers_kept',
            f'{_dataset}.pipeline.3.cache': 'data/benchmark_home_answers_kept',
        },
        **_judged,
    ),
    _arm('kd_images', "distilled at home and on the town's images", 'elsewhere'),
    _arm(
        'kd_images_0.57',
        "distilled on the town's images, too, VRKD at a tenth of its weight",
        'elsewhere',
        **{'model.distillers': _lighter},
    ),
    _arm(
        'kd_images_metres',
        'the same, the teacher in metres by overlaps and motion',
        'elsewhere',
        **_in_metres('data/benchmark_home_metres', _metres, *_ckd_vrkd),
    ),
    _arm(
        'depth_images_metres',
        'aligned depth and gradients instead, models/benchmark_teacher in metres',
        'elsewhere',
        **_in_metres(
            'data/benchmark_home_metres_kept', 'data/benchmark_elsewhere_metres_kept', dict(type='AlignedDepthKD')
        ),
    ),
    _arm(
        'images_alone',
        "distilled on the town's images alone, no LiDAR at all",
        'mini_teacher',
        **_alone,
        **_there,
        **_judged,
    ),
    _arm('sup_there', 'bound: supervised there', 'sup', **{**_there, **_judged}),
    _arm('dense_there', 'bound: dense supervision there', 'dense', **{**_there, **_judged}),
]

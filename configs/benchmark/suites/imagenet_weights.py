"""What the paper's method is made of, for students from ImageNet: VRKD's weight, with all labels and with 3 %, and CKD's
readings. Validation split.

The students are those of the suites `converged` and `scarce`. Answers: see suites/converged.py; the weights of the teacher
of the arms without `_kept` are lost.
"""

_dataset = 'train_dataloader.dataset'
_few = {f'{_dataset}.labelled_fraction': 0.03, f'{_dataset}.only_labelled': True}
_beside_all = {f'{_dataset}.datasets.{i}.labelled_fraction': 0.03 for i in (0, 1)}


def _arm(name, title, config='mini_teacher', baseline='sup', **options):
    return dict(
        name=name,
        title=title,
        config=f'configs/benchmark/imagenet/{config}.py',
        baseline=baseline,
        cfg_options=options,
    )


def _ckd(probabilities):
    return dict(type='CrossInteractionKD', probabilities=probabilities)


def _distilled(vrkd=None, few=False):
    """An arm by the weight of its second distiller."""
    distillers = [_ckd('aligned')]
    name, title = 'ckd_1', 'CKD'
    if few:
        distillers[0]['self_align'] = True
    if vrkd:
        distillers.append(dict(type='ViewRelationalKD', relation='feature', grid=[12, 20], loss_weight=vrkd))
        name, title = f'{name}_vrkd_{vrkd:g}', f'{title} + VRKD, weight {vrkd:g}'
    options = {'model.distillers': distillers}
    if few:
        return _arm(f'{name}_of_3', f'{title}, 3 % labelled', 'few_labels', 'sup_of_3', **options, **_beside_all)
    return _arm(name, title, **options)


def _reading(probabilities):
    """CKD from the teacher that is kept."""
    caches = dict.fromkeys(
        ('model.teacher.cache', f'{_dataset}.pipeline.3.cache'), 'data/benchmark_teacher_answers_kept'
    )
    options = {'model.distillers': [_ckd(probabilities)], **caches}
    return _arm(f'ckd_{probabilities}_kept', f"models/benchmark_teacher: CKD '{probabilities}'", **options)


baseline = 'sup'
split = 'val'
seeds = [0]
arms = [
    _arm('sup', 'supervised', 'sup'),
    _distilled(),
    _distilled(0.57),
    _distilled(5.7),
    _arm('depth_gradient', 'aligned depth and gradients', **{'model.distillers': [dict(type='AlignedDepthKD')]}),
    _reading('aligned'),
    _reading('branch'),
    _arm('sup_of_3', 'supervised, 3 % labelled', 'sup', 'sup_of_3', **_few),
    _distilled(few=True),
    _distilled(0.57, few=True),
    # The run of suites/scarce.py.
    _arm('ckd_1_vrkd_5.7_of_3', 'CKD + VRKD, weight 5.7, 3 % labelled', 'few_labels', 'sup_of_3', **_beside_all),
]

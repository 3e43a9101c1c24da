"""The README.md of a published model, written from its config.json."""

from fsmde.evaluation.report import reservations
from fsmde.models.teachers.licence import is_non_commercial
from fsmde.structures import METRIC

CARD = """---
{front}
---

# {name}

{kind} depth of every camera of a surround rig, by [fsmde](https://arxiv.org/abs/2512.08700). Weights and a description as
plain data: nothing in this folder is executed.

```python
{usage}
```

| | |
|---|---|
{facts}

{figures}
{teacher}
"""
METRIC_USAGE = """from fsmde.apis import SurroundDepthInferencer

inferencer = SurroundDepthInferencer('{name}', rig='rig.yaml')
result = inferencer({{'FRONT': 'front.jpg', 'LEFT': 'left.jpg'}})['predictions'][0]
depth = result.depth['FRONT']  # (H, W) float32, metres"""
RELATIVE_USAGE = "teacher = dict(type='EstimatorTeacher', config='{name}')  # space: {space}, in no metres"


def write_card(name: str, config: dict, licence: str = None) -> str:
    """Text of the model card.

    Args:
        name: What the model is called.
        config: Content of config.json.
        licence: Of these weights, as the hub knows it (such as ``apache-2.0``), or None to leave it out.
    """
    model, origin = config['model'], config['origin']
    front = [
        'library_name: fsmde',
        'pipeline_tag: depth-estimation',
        'tags: [depth-estimation, surround-view, mmdet3d]',
    ]
    if licence:
        front.insert(0, f'license: {licence}')
    bins, preprocessor = model['head'].get('bins'), model['data_preprocessor']
    facts = {
        'input': f'{config["input_size"][0]} x {config["input_size"][1]} pixels (height x width) a camera',
        'normalisation (RGB, 0 to 255)': f'mean {preprocessor.get("mean")}, std {preprocessor.get("std")}',
        'backbone, neck, head': ', '.join(f'`{model[key]["type"]}`' for key in ('backbone', 'neck', 'head')),
        'depth bins': bins
        and f'{bins["num_bins"]}, {bins["min_depth"]:g} to {bins["max_depth"]:g} m at the focal reference',
        'focal reference': f'{model["head"].get("focal_reference", 350.0)} pixels of the input',
        'cameras it was trained with': ', '.join(config['cameras']),
        'trained on': ', '.join(str(origin[key]) for key in ('data_set', 'split') if origin.get(key)),
        'checkpoint (sha256)': f'`{origin.get("checkpoint_sha256")}`',
        'versions': ', '.join(f'{key} {value}' for key, value in (origin.get('versions') or {}).items()),
        'licence of these weights': licence or 'not stated',
    }
    rows = '\n'.join(f'| {key} | {value} |' for key, value in facts.items() if value)
    space = config.get('space', METRIC)
    usage = (METRIC_USAGE if space == METRIC else RELATIVE_USAGE).format(name=name, space=space)
    return CARD.format(
        kind='Metric' if space == METRIC else 'Relative',
        usage=usage,
        front='\n'.join(front),
        name=name,
        facts=rows,
        figures=_figures(config['figures']),
        teacher=_teacher(origin),
    )


def _figures(figures):
    if not figures:
        return 'No figures were published with these weights.\n'
    text = '## Figures\n\n| data set | flip | protocol | frames | AbsRel | RMSE / m | d1 |\n|---|---|---|---|---|---|---|\n'
    notes = ''
    for protocol, entry in figures.items():
        metrics = entry.get('metric') or {}
        cells = (f'{metrics[key]:.3f}' if metrics.get(key) is not None else '' for key in ('abs_rel', 'rmse', 'd1'))
        flip = entry.get('flip_augmentation', False)
        run = f'{entry.get("dataset") or ""} | {"yes" if flip else "no"}'
        text += f'| {run} | {protocol} | {entry.get("frames", "")} | {" | ".join(cells)} |\n'
        said = reservations(entry, flip)
        notes += f'\nMind of `{protocol}`: {"; ".join(said)}.\n' if said else ''
    return (
        f'{text}\nMetric scale, without median scaling; flip: averaged with the mirrored images; the settings of each '
        f'protocol are in config.json.\n{notes}'
    )


def _teacher(origin):
    teacher = origin.get('teacher')
    if not teacher:
        return 'Trained without a teacher.'
    licence = teacher.get('licence') or 'not stated: find it out before you use these weights'
    if is_non_commercial(licence):
        licence = f'**{licence}, which is not for commercial use**'
    return (
        f'Distilled from `{teacher["name"]}`, whose licence is: {licence}. A student may not be free of its '
        "teacher's licence."
    )

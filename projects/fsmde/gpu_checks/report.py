"""All outcomes as Markdown, to be pasted into an issue."""

import platform
from importlib.metadata import PackageNotFoundError, version

import torch

from fsmde.mmcv_ops import provide_ops

PACKAGES = ('mmdet3d-fsmde', 'torch', 'numpy', 'mmengine', 'mmcv', 'mmcv-lite', 'mmdet', 'mmdet3d', 'transformers')
PACKAGES += ('onnxruntime', 'onnxruntime-gpu')


def environment() -> str:
    """Machine and versions as a list."""
    lines = [f'Python {platform.python_version()}, {platform.platform()}']
    found = []
    for package in PACKAGES:
        try:
            found.append(f'{package} {version(package)}')
        except PackageNotFoundError:
            continue
    lines.append(', '.join(found))
    lines.append(f"mmcv's compiled ops: {'yes' if provide_ops() else 'no'}")
    lines.append(f'CUDA {torch.version.cuda}, cuDNN {torch.backends.cudnn.version()}')
    for index in range(torch.cuda.device_count()):
        device = torch.cuda.get_device_properties(index)
        lines.append(f'{device.name}, {device.total_memory / 2**30:.0f} GiB, capability {device.major}.{device.minor}')
    return '\n'.join(f'- {line}' for line in lines)


def number(value) -> str:
    """In three digits, whole numbers as they are."""
    return str(int(value)) if float(value).is_integer() else f'{value:.3g}'


def markdown(outcomes, device: str, dry_run: bool) -> str:
    """The report; what failed stands first."""
    failed = [outcome for outcome in outcomes if outcome.failed]
    lines = [f'# fsmde on {device}' + (', a dry run at toy size: its figures mean nothing' if dry_run else ''), '']
    lines += [f'**{len(failed)} of {len(outcomes)} checks failed: {", ".join(o.name for o in failed)}.**' if failed
              else f'No check of {len(outcomes)} failed.', '', environment(), '']  # fmt: skip
    lines += ['| check | | s |', '|---|---|---|']
    lines += [f'| {o.title} (`{o.name}`) | {o.result} | {o.seconds:.0f} |' for o in outcomes]
    for outcome in sorted(outcomes, key=lambda outcome: not outcome.failed):
        lines += ['', f'## {outcome.title}: {outcome.result}', '', outcome.why]
        if outcome.skipped:
            lines += ['', f'Skipped: {outcome.skipped}.']
        if outcome.findings:
            lines += ['', '| | found | at most |', '|---|---|---|']
            for finding in outcome.findings:
                limit = '' if finding.limit is None else number(finding.limit)
                mark = ' **FAILED**' if finding.failed else ''
                lines.append(f'| {finding.what} | {number(finding.value)}{mark} | {limit} |')
        for text in filter(None, outcome.texts):
            lines += ['', text]
        if outcome.error:
            lines += ['', '```', outcome.error.strip(), '```']
    return '\n'.join(lines) + '\n'

"""Where the time of a training step goes: student, teacher, replay, each distiller, backward.

    python tools/analysis_tools/profile_step.py configs/fsmde_kd_ddad.py --data-root DDAD
    python tools/analysis_tools/profile_step.py CONFIG --data-root DDAD --cfg-options model.teacher.model=random-small

One batch is loaded before the clock starts; `answer` of a CachedTeacher is what is left of the teacher then. Whole steps
with and without distillation are timed in turn, the parts in steps of their own. Memory is the largest so far: of a CPU
process all of it.

Behind each distiller stands the norm of its gradient over that of the supervised loss's, both by the student's parameters:
what its loss_weight amounts to. With --checkpoint it is that of a student under way; of random weights it says little.

With --loader the config's own loader feeds the steps: images a second of the loader alone, of the step alone, of both at
once as in training, and what they would be one after the other.
"""

import argparse
import json
import time
from collections import defaultdict

import numpy as np
import torch
from mmdet3d.registry import DATASETS, MODELS
from mmengine.config import DictAction
from mmengine.dataset import pseudo_collate
from mmengine.registry import init_default_scope
from mmengine.runner import Runner, load_checkpoint

import fsmde  # noqa: F401
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options
from fsmde.deployment.latency import peak_memory
from fsmde.engine.checkpoint import check_student_checkpoint
from fsmde.engine.config_files import read_config
from fsmde.models import DistillationStep
from fsmde.models.estimators.bin_depth_estimator import BinDepthEstimator, rig_batch
from fsmde.output_files import write_text


class Clock:
    """Adds up wall milliseconds by name, behind a GPU's queue."""

    def __init__(self):
        self.times = defaultdict(list)

    def __call__(self, name, function, *args):
        self._wait()
        start = time.perf_counter()
        result = function(*args)
        self._wait()
        self.times[name].append(1000 * (time.perf_counter() - start))
        return result

    @staticmethod
    def _wait():
        if torch.cuda.is_available():
            torch.cuda.synchronize()


def gradient_shares(model, data):
    """Norm of each distiller's gradient over that of the supervised loss's, by name of the distiller."""
    inputs, samples = data['inputs'], data['data_samples']
    rig, target = rig_batch(samples, inputs['img']), model.target(samples)
    student = model.extract(inputs['img'], rig.cam2img)
    shared = DistillationStep(student, model.teach(inputs, samples, rig), target, rig, model.max_depth)
    parameters = [p for name, p in model.named_parameters() if not name.startswith('distillers.')]

    def norm(losses):
        total = model.parse_losses(losses)[0]
        gradients = torch.autograd.grad(total, parameters, retain_graph=True, allow_unused=True)
        return sum(g.square().sum() for g in gradients if g is not None).sqrt().item()

    supervised = norm(model.head.loss(student, target))
    return {type(distiller).__name__: norm(distiller.loss(shared)) / supervised for distiller in model.distillers}


def parts(model, data, optimizer, clock):
    """One training step, taken apart."""
    inputs, samples = data['inputs'], data['data_samples']
    rig, target = rig_batch(samples, inputs['img']), model.target(samples)
    student = clock('student', model.extract, inputs['img'], rig.cam2img)
    losses = clock('supervised loss', model.head.loss, student, target)
    if hasattr(model, 'distillers'):
        clock('answer of the teacher', model.teacher.answer, inputs, samples)
        teacher = clock('answer and replay', model.teach, inputs, samples, rig)
        shared = DistillationStep(student, teacher, target, rig)
        for distiller in model.distillers:
            losses.update(clock(type(distiller).__name__, distiller.loss, shared))
    optimizer.zero_grad()
    clock('backward', model.parse_losses(losses)[0].backward)
    clock('optimizer', optimizer.step)


def step(kind, model, data, optimizer):
    """One training step of the estimator's own class, or of the supervised one."""
    inputs, samples = data['inputs'], data['data_samples']
    rig = rig_batch(samples, inputs['img'])
    losses = kind.loss_of(model, model.extract(inputs['img'], rig.cam2img), inputs, samples, rig)
    optimizer.zero_grad()
    model.parse_losses(losses)[0].backward()
    optimizer.step()


def milliseconds_each(function, times, before):
    """Mean wall milliseconds of a call behind some that are not timed: what was made ahead of time is used up then."""
    for _ in range(before):
        function()
    Clock._wait()
    start = time.perf_counter()
    for _ in range(times):
        function()
    Clock._wait()
    return 1000 * (time.perf_counter() - start) / times


def throughput(cfg, args, model, optimizer):
    """Images a second with the loader of a config, {row: figure}; both kinds of step read the same batches."""
    settings = dict(cfg.train_dataloader, batch_size=args.batch_size)
    settings.update(sampler=dict(type='InfiniteSampler', shuffle=True))
    batches = iter(Runner.build_dataloader(settings, seed=0))
    first = next(batches)
    ahead = settings['num_workers'] * settings.get('prefetch_factor', 2) + 1
    images = sum(len(frame) for frame in first['inputs']['img'])
    times = {'loader alone': milliseconds_each(lambda: next(batches), args.steps, ahead)}
    kinds = {'supervised': BinDepthEstimator, 'distilled': type(model)}
    for name, kind in kinds.items() if hasattr(model, 'distillers') else [('supervised', type(model))]:

        def train(batch, kind=kind):
            step(kind, model, model.data_preprocessor(batch, training=True), optimizer)

        alone = times[f'{name} step alone'] = milliseconds_each(lambda: train(first), args.steps, 1)
        times[f'{name}, one after the other'] = times['loader alone'] + alone
        times[f'{name}, loader beside the step'] = milliseconds_each(lambda: train(next(batches)), args.steps, ahead)
    return {name: 1000 * images / value for name, value in times.items()}


def parse_args():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('config')
    parser.add_argument('--data-root', required=True, help='folder of the data set')
    parser.add_argument('--batch-size', type=int, default=1)
    parser.add_argument('--steps', type=int, default=5)
    parser.add_argument('--checkpoint', help='weights of the student, for the gradients')
    parser.add_argument('--amp', action='store_true', help='under autocast: float16 on a GPU, bfloat16 on a CPU')
    parser.add_argument('--loader', action='store_true', help="also images a second, with the config's loader")
    parser.add_argument('--out', help='json file for the figures')
    parser.add_argument('--cfg-options', nargs='+', action=DictAction)
    return refuse_empty_options(parser, parser.parse_args())


@mistakes_in_one_line('profile_step')
def main():
    args = parse_args()
    cfg = read_config(args.config, args.data_root, args.cfg_options)
    init_default_scope('mmdet3d')
    dataset = DATASETS.build(cfg.train_dataloader.dataset)
    batch = pseudo_collate([dataset[i % len(dataset)] for i in range(args.batch_size)])
    device = 'cuda' if torch.cuda.is_available() else 'cpu'
    model = MODELS.build(cfg.model).to(device)
    if args.checkpoint:
        check_student_checkpoint(model, args.checkpoint)
        load_checkpoint(model, args.checkpoint, map_location='cpu')
    optimizer = torch.optim.AdamW(model.parameters())
    data = model.data_preprocessor(batch, training=True)
    precision = torch.float16 if device == 'cuda' else torch.bfloat16
    clock = Clock()
    with torch.autocast(device, precision, enabled=args.amp):
        shares = gradient_shares(model, data) if hasattr(model, 'distillers') else {}
        parts(model, data, optimizer, Clock())
        for _ in range(args.steps):
            clock('supervised step', step, BinDepthEstimator, model, data, optimizer)
            clock('step', step, type(model), model, data, optimizer)
        for _ in range(args.steps):
            parts(model, data, optimizer, clock)
    median = {name: float(np.median(times)) for name, times in clock.times.items()}
    supervised, whole = median['supervised step'], median['step']
    print('| part | median ms | of the supervised step |\n| --- | --- | --- |')
    for name, value in median.items():
        print(f'| {name} | {value:.1f} | {100 * value / supervised:.1f} % |')
    memory = peak_memory(torch.device(device))
    print(
        f'\nsupervised step {supervised:.0f} ms, this one {whole:.0f} ms: {whole / supervised:.2f} x; {memory:.0f} MiB'
    )
    for name, share in shares.items():
        print(f'{name}: gradient {share:.3f} of the supervised one')
    rates = {}
    if args.loader:
        with torch.autocast(device, precision, enabled=args.amp):
            rates = throughput(cfg, args, model, optimizer)
        workers = cfg.train_dataloader.num_workers
        print(f'\n| {workers} workers, {args.batch_size} frames a step | images/s |\n| --- | --- |')
        for name, rate in rates.items():
            print(f'| {name} | {rate:.2f} |')
    if args.out:
        figures = dict(
            median_ms=median,
            peak_mib=memory,
            amp=args.amp,
            gradient_shares=shares,
            images_per_second=rates,
        )
        write_text(args.out, json.dumps(figures, indent=1))


if __name__ == '__main__':
    main()

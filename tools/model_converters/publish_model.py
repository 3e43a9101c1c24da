"""Turn a training checkpoint into what is given away: the student's weights and where they come from.

    python tools/model_converters/publish_model.py work_dirs/run/epoch_30.pth fsmde_kd_ddad --results results.json

writes the folder ``fsmde_kd_ddad`` of config.json, model.safetensors and README.md, which ``fsmde.apis.load_model`` and
``tools/infer.py`` take, see docs/published_models.md. With a name that ends in ``.pth`` it writes one file for stock
mmdet3d instead: ``fsmde_kd_ddad-<first 8 digits of the file's sha256>.pth``, a dictionary of ``state_dict`` (tensors) and
``meta`` (plain python types), which ``torch.load(..., weights_only=True)`` reads wherever torch is, and which any
config of OpenMMLab takes as ``init_cfg=dict(type='Pretrained', checkpoint=..., prefix='backbone.')``.
"""

import argparse

from fsmde.apis import publish_file, publish_folder, push_to_hub
from fsmde.command_line import mistakes_in_one_line, refuse_empty_options


@mistakes_in_one_line('publish_model')
def main():
    parser = argparse.ArgumentParser(description='Write the student of a training checkpoint as what is given away.')
    parser.add_argument('checkpoint', help='training checkpoint')
    parser.add_argument('out', help='folder to write; or a .pth, into whose name the hash is put')
    parser.add_argument(
        '--config', help='config file to describe the weights with, if not the one they were trained with'
    )
    parser.add_argument('--results', help='results.json that tools/test.py wrote of this checkpoint')
    parser.add_argument('--without-ema', action='store_true', help='the last weights instead of their moving average')
    parser.add_argument('--size', type=int, nargs=2, help="height and width of the input, if the config's do not say")
    parser.add_argument('--licence', help='of these weights, as the hub knows it: apache-2.0, cc-by-nc-4.0, ...')
    parser.add_argument('--teacher-licence', help="the teacher's, if the checkpoint does not say it")
    parser.add_argument('--half', action='store_true', help='store float16, for half of the bytes; not for a .pth')
    parser.add_argument('--push-to-hub', metavar='OWNER/NAME', help='also upload the folder to the Hugging Face hub')
    args = refuse_empty_options(parser, parser.parse_args())
    if args.out.endswith('.pth'):
        path = publish_file(
            args.checkpoint, args.out, args.config, args.results, args.without_ema, args.licence, args.teacher_licence
        )
        print(f'{path}: {path.stat().st_size / 2**20:.1f} MiB')
        return
    folder = publish_folder(
        args.checkpoint, args.out, args.config, args.results, args.without_ema, args.size, args.licence,
        args.teacher_licence, half=args.half,
    )  # fmt: skip
    print(f'{folder}: {", ".join(f"{path.name} {path.stat().st_size} bytes" for path in sorted(folder.iterdir()))}')
    if args.push_to_hub:
        print(push_to_hub(folder, args.push_to_hub))


if __name__ == '__main__':
    main()

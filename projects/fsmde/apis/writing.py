"""From a source through the inferencer into sinks, frame by frame."""

from collections import Counter

from .inferencer import SurroundDepthInferencer
from .prefetch import Behind


def write_results(
    inferencer: SurroundDepthInferencer,
    source,
    sinks: list,
    resume: bool = False,
    by_camera: bool = False,
    say=print,
    progress=lambda done, skipped: None,
) -> tuple:
    """Write the results of all frames; while one is computed the next is read and the last one is written.

    Args:
        source: Frames, such as :func:`fsmde.apis.sources.open_source` returns.
        sinks: :class:`fsmde.apis.sinks.base.Sink`; they are closed at the end.
        resume: Leave out frames that all sinks have.
        by_camera: Whether sinks write a file a camera, in its original images' pixels, and not one a view.
        say: Is given a line for each camera at the first frame without its image.
        progress: Is given how many frames are done, and were left out, behind each.

    Returns:
        How many frames were written and how many left out, and by camera in how many it was missing.

    Raises:
        ValueError: If a camera's calibration is not known or does not fit its image, or a result lacks what a sink writes.
        OSError: If something cannot be read or written.
    """
    done, skipped, missing = 0, 0, Counter()

    def write(result):
        for sink in sinks:
            sink.write(result)

    def skip(frame):
        nonlocal skipped
        for sink in sinks:
            sink.saw(frame.name)
        names = tuple(frame.images) if by_camera else inferencer.view_names(frame)
        there = resume and all(sink.has(frame.name, names) for sink in sinks)
        skipped += bool(there)
        return there

    with Behind(write) as writer:
        for result in inferencer.stream(source, skip):
            for camera in result.missing:
                if not missing[camera]:
                    say(f'frame {result.name} has no image of {camera}; the other cameras go on')
                missing[camera] += 1
            writer(result)
            done += 1
            progress(done, skipped)
    for sink in sinks:
        sink.close()
    return done, skipped, missing

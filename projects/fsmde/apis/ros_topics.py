"""Names of ROS topics: which camera they are of, and where its CameraInfo is."""


def parse_topics(arguments: list) -> dict:
    """``topics`` of :class:`fsmde.apis.sources.Recording` as command lines have them.

    Args:
        arguments: ``CAMERA=TOPIC`` or ``CAMERA=TOPIC,INFO_TOPIC``.

    Raises:
        ValueError: If an argument is neither, or a camera is there twice.
    """
    topics = {}
    for argument in arguments:
        camera, _, names = argument.partition('=')
        names = names.split(',')
        if not camera or not all(names) or len(names) > 2 or camera in topics:
            raise ValueError(
                f'topics: expected CAMERA=TOPIC or CAMERA=TOPIC,INFO_TOPIC, each camera once; found {argument!r}'
            )
        topics[camera] = names[0] if len(names) == 1 else tuple(names)
    return topics


def distinct_tails(paths) -> list:
    """The last part of each path, or as many of its last parts as make all of them distinct."""
    parts = [path.strip('/').split('/') for path in paths]
    for count in range(1, max(map(len, parts), default=0) + 1):
        tails = ['/'.join(path[-count:]) for path in parts]
        if len(set(tails)) == len(tails):
            return tails
    return list(paths)


def base_of(topic: str) -> str:
    """A topic of images without what a transport of compressed ones adds."""
    return topic.removesuffix('/compressed')


def pair_of(topics) -> tuple:
    """Topics of the images and of the CameraInfo beside them."""
    if not isinstance(topics, str):
        return tuple(topics)
    return topics, f'{base_of(topics).rpartition("/")[0]}/camera_info'

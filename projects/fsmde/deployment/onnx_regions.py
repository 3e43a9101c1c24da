"""Which part of an exported graph is heavy and may lose precision."""


def between_convolutions(graph) -> set:
    """Names of the nodes on a path from one convolution to another, both included: backbone, neck and the classifier.

    What lies outside is cheap and needs its precision: normalisation of the images before them, expectations over bins
    and metric centers behind them.
    """
    producer = {name: node for node in graph.node for name in node.output}
    consumers = {}
    for node in graph.node:
        for name in node.input:
            consumers.setdefault(name, []).append(node)

    def reach(step):
        seen, stack = set(), [node for node in graph.node if node.op_type == 'Conv']
        while stack:
            node = stack.pop()
            if node.name not in seen:
                seen.add(node.name)
                stack += step(node)
        return seen

    behind = reach(lambda node: [other for name in node.output for other in consumers.get(name, [])])
    before = reach(lambda node: [producer[name] for name in node.input if name in producer])
    # Sizes are computed in int64 on the side.
    sizes = {node.name for node in graph.node if node.op_type in ('Shape', 'Concat', 'Gather', 'Unsqueeze')}
    return (behind & before) - sizes

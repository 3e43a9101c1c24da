"""A float16 copy of an exported graph."""

import copy

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from fsmde.output_files import write_bytes

from .onnx_regions import between_convolutions


def to_float16(source, path) -> None:
    """Write a copy of a float32 graph whose convolutions and what lies between them are float16; inputs and outputs stay.

    Args:
        source: Path of a graph of :func:`fsmde.deployment.export_onnx`.
        path: File to write.
    """
    model = onnx.load(str(source))
    graph = model.graph
    inside = between_convolutions(graph)
    kinds = {value.name: value.type.tensor_type.elem_type for value in (*graph.value_info, *graph.input)}
    weights = {tensor.name: tensor for tensor in graph.initializer if tensor.data_type == TensorProto.FLOAT}
    halves = {name for node in graph.node if node.name in inside for name in node.output}
    nodes, cast_names = [], set()

    def cast(name, to, suffix):
        if name + suffix not in cast_names:
            cast_names.add(name + suffix)
            nodes.append(helper.make_node('Cast', [name], [name + suffix], f'cast_{name}{suffix}', to=to))
        return name + suffix

    for node in graph.node:
        for i, name in enumerate(node.input):
            if node.name not in inside:
                if name in halves:
                    node.input[i] = cast(name, TensorProto.FLOAT, '_float')
            elif node.op_type == 'Resize' and i > 0:
                continue  # Scales and sizes are no data.
            elif name in weights:
                node.input[i] = f'{name}_half'
                if node.input[i] not in cast_names:
                    cast_names.add(node.input[i])
                    half = numpy_helper.to_array(weights[name]).astype(np.float16)
                    graph.initializer.append(numpy_helper.from_array(half, node.input[i]))
            elif name not in halves and kinds.get(name) == TensorProto.FLOAT:
                node.input[i] = cast(name, TensorProto.FLOAT16, '_half')
        nodes.append(node)
    used = {name for node in nodes for name in node.input}
    initializers = [tensor for tensor in graph.initializer if tensor.name in used]
    for field, content in ((graph.node, nodes), (graph.initializer, initializers), (graph.value_info, [])):
        content = [copy.deepcopy(item) for item in content]
        del field[:]
        field.extend(content)
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString())

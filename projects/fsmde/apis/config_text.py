"""The text of a config, as mmengine keeps it in checkpoints, read without executing it."""

import ast

from mmengine.config import Config


def read_config_text(text: str) -> Config:
    """The settings of a dumped config: assignments of plain values and ``dict(...)``.

    Raises:
        ValueError: If there is anything else in it, which would have to be executed; names the line.
    """
    try:
        tree = ast.parse(text)
        return Config({target.id: _value(node.value) for node in tree.body for target in _targets(node)})
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f'no text of a config: {error}') from error


def _targets(node):
    if not isinstance(node, ast.Assign) or not all(isinstance(target, ast.Name) for target in node.targets):
        raise ValueError(f'line {node.lineno} of the config is more than a setting: {ast.unparse(node)[:60]}')
    return node.targets


def _value(node):
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == 'dict' and not node.args:
        return {keyword.arg: _value(keyword.value) for keyword in node.keywords}
    if isinstance(node, ast.Dict):
        return {_value(key): _value(value) for key, value in zip(node.keys, node.values)}
    if isinstance(node, (ast.List, ast.Tuple)):
        values = [_value(entry) for entry in node.elts]
        return tuple(values) if isinstance(node, ast.Tuple) else values
    try:
        return ast.literal_eval(node)
    except ValueError as error:
        raise ValueError(
            f'line {node.lineno} of the config is no plain value: {ast.unparse(node)[:60]}; give the config file instead'
        ) from error

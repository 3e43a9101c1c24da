from mmengine.config import Config

from fsmde.kd_benchmark.fingerprint import differences, fingerprint


def test_weights_that_training_starts_from_count(tmp_path):
    weights = tmp_path / 'start.pth'
    cfg = Config(dict(model={}, test_dataloader=dict(dataset=dict(data_root=str(tmp_path))), load_from=str(weights)))
    absent = fingerprint(cfg)
    assert absent['load_from'] is None
    weights.write_bytes(b'first')
    first = fingerprint(cfg)
    weights.write_bytes(b'second')
    assert differences(first, fingerprint(cfg)) == ['load_from']
    # What is not on this machine cannot be compared; weights of its own can.
    assert differences(first, absent) == []
    assert differences(first, fingerprint(Config(dict(cfg, load_from=None)))) == ['load_from']

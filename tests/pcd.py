"""Point clouds in PCD's ``binary_compressed`` layout: LZF, column by column."""

import numpy as np


def read_compressed_pcd(path):
    """(P, 3) float64 x, y, z; fields of 4 bytes each are expected before them."""
    content = path.read_bytes()
    head, data = content.split(b'DATA binary_compressed\n', 1)
    lines = {line.split()[0].decode(): line.split()[1:] for line in head.splitlines() if line and line[:1] != b'#'}
    packed, unpacked = np.frombuffer(data[:8], '<u4')
    columns = decompress(data[8 : 8 + int(packed)], int(unpacked))
    count = int(lines['POINTS'][0])
    assert lines['FIELDS'][:3] == [b'x', b'y', b'z'] and lines['SIZE'][:3] == [b'4'] * 3
    return np.frombuffer(columns[: 12 * count], '<f4').reshape(3, count).T.astype(np.float64)


def decompress(data, size):
    """LZF, as liblzf's lzf_d.c has it: literal runs, and references of a length and a distance."""
    out, at = bytearray(), 0
    while at < len(data):
        control = data[at]
        at += 1
        if control < 32:
            out += data[at : at + control + 1]
            at += control + 1
            continue
        length = control >> 5
        if length == 7:
            length += data[at]
            at += 1
        start = len(out) - ((control & 31) << 8) - data[at] - 1
        at += 1
        for n in range(length + 2):  # It may overlap with what it writes.
            out.append(out[start + n])
    assert len(out) == size
    return bytes(out)

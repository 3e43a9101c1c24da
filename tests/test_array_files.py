"""Array files of others: no code of theirs runs, no more is allocated than is stated."""

import io
import resource
import zipfile

import numpy as np
import pytest

from fsmde.array_files import read_npy, read_npz


def test_arrays_by_name(tmp_path):
    path = tmp_path / 'a.npz'
    np.savez(path, data=np.arange(6.0).reshape(2, 3), other=np.ones(2, np.float16))
    assert set(read_npz(path)) == {'data', 'other'}
    np.testing.assert_array_equal(read_npz(path, 'data')['data'], [[0, 1, 2], [3, 4, 5]])
    with pytest.raises(ValueError, match=r"a.npz .*has no \['points'\], but \['data', 'other'\]"):
        read_npz(path, 'points')
    np.save(tmp_path / 'a.npy', np.eye(2))
    np.testing.assert_array_equal(read_npy(tmp_path / 'a.npy'), np.eye(2))
    for read, name in ((read_npz, 'b.npz'), (read_npy, 'b.npy')):
        with pytest.raises(FileNotFoundError, match=name):
            read(tmp_path / name)


def test_an_archive_that_unpacks_to_more_than_is_allowed(tmp_path):
    """960 MB of zeros, packed into 0.9 MB; peak memory tells that nobody unpacked them."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, dict(descr='<f8', fortran_order=False, shape=(30_000_000, 4)))
    with zipfile.ZipFile(tmp_path / 'bomb.npz', 'w', zipfile.ZIP_DEFLATED) as archive:
        with archive.open('data.npy', 'w', force_zip64=True) as member:
            member.write(header.getvalue())
            for _ in range(96):
                member.write(bytes(10**7))
    assert (tmp_path / 'bomb.npz').stat().st_size < 10**6
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ValueError, match='bomb.npz .*unpacks to 960000128 bytes, at most 536870912 are read'):
        read_npz(tmp_path / 'bomb.npz', 'data')
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


@pytest.mark.parametrize('shape', [(10**9, 4), (10**14,), (2**62, 4), (101,)])
def test_a_header_that_claims_more_than_there_is(tmp_path, shape):
    content = io.BytesIO()
    np.lib.format.write_array_header_1_0(content, dict(descr='<f8', fortran_order=False, shape=shape))
    content.write(bytes(800))
    (tmp_path / 'a.npy').write_bytes(content.getvalue())
    with zipfile.ZipFile(tmp_path / 'a.npz', 'w') as archive:
        archive.writestr('data.npy', content.getvalue())
    with pytest.raises(ValueError, match='a.npy cannot be read as .npy'):
        read_npy(tmp_path / 'a.npy')
    with pytest.raises(ValueError, match='a.npz cannot be read as .npz'):
        read_npz(tmp_path / 'a.npz')


def test_pickles_and_cut_files_are_refused(tmp_path):
    np.savez(tmp_path / 'a.npz', data=np.array([dict(a=1)], dtype=object))
    np.save(tmp_path / 'a.npy', np.array([dict(a=1)], dtype=object))
    with pytest.raises(ValueError, match='a.npz .*allow_pickle=False'):
        read_npz(tmp_path / 'a.npz')
    with pytest.raises(ValueError, match='a.npy .*allow_pickle=False'):
        read_npy(tmp_path / 'a.npy')
    np.savez(tmp_path / 'b.npz', data=np.ones(100))
    np.save(tmp_path / 'b.npy', np.ones(100))
    for read, path in ((read_npz, tmp_path / 'b.npz'), (read_npy, tmp_path / 'b.npy')):
        content = path.read_bytes()
        for length in (0, 3, 60, len(content) - 30):
            path.write_bytes(content[:length])
            with pytest.raises(ValueError, match=f'{path.name} cannot be read'):
                read(path)

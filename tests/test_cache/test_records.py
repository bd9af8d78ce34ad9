"""A record is what was written or an error, whatever became of its file."""

import numpy as np
import pytest
import torch
from cache_jobs import flip_a_bit

from mmdualkd.cache import TeacherCache, description
from mmdualkd.cache.description import check_data, check_teacher, describe_teacher
from mmdualkd.cache.store import write_manifest
from mmdualkd.cache.writing import ShardWriter, finish
from mmdualkd.errors import CacheError, ConfigError
from mmdualkd.teachers.readings import Reading
from mmdualkd.views import ViewPlan

SHAPES = {Reading('vit', 'logits'): (2, 3), Reading('cnn', 'cells', (1, 2, 2), (0.1, 0.9)): (2, 4, 1, 2, 2)}
SAMPLES, VIEWS = 5, 2


def write(folder, dtype='float32'):
    """A cache of two rows a sample, three records a file; gives it with what was written, by row."""
    folder.mkdir()
    values = [dict(reading=reading.as_json(), shape=shape) for reading, shape in SHAPES.items()]
    body = dict(
        dtype=dtype, amp=None, teachers={}, values=values, data=dict(count=SAMPLES), shard_rows=3, num_views=0
    )  # fmt: skip
    write_manifest(folder, body)
    cache, generator = TeacherCache(folder), torch.Generator().manual_seed(0)
    rows = torch.randperm(SAMPLES * VIEWS, generator=generator)
    drawn = torch.stack([rows, rows % 3, rows + 2**31], dim=1)
    values = {
        reading: torch.randn(len(rows) * shape[0], *shape[1:], generator=generator) for reading, shape in SHAPES.items()
    }
    ShardWriter(folder, cache.layout).add(drawn, values, [''] * len(rows))
    finish(cache, VIEWS)
    return TeacherCache(folder), rows, values


@pytest.mark.parametrize('dtype', ['float32', 'float16'])
def test_rows_of_a_sample_come_back_as_they_were_but_for_rounding(tmp_path, dtype):
    cache, rows, values = write(tmp_path / 'c', dtype)
    records = [cache.read(int(row)) for row in rows]
    assert [(record['stand_in'], record['shown']) for record in records] == [(row % 3, row + 2**31) for row in rows]
    batch = torch.stack([torch.frombuffer(bytearray(record.tobytes()), dtype=torch.uint8) for record in records])
    back = cache.layout.values(batch)
    for reading, expected in values.items():
        assert back[reading].dtype == torch.float32
        assert torch.equal(back[reading], expected.to(getattr(torch, dtype)).float())
        single = [cache.layout.values(row[None])[reading] for row in batch]  # as the last batch of an epoch may be
        assert torch.equal(torch.cat(single), back[reading])


def records_of(folder):
    """All records as bytes, or the error of the one that is asked for first."""
    cache = TeacherCache(folder)
    cache.check_whole()
    return b''.join(cache.read(row).tobytes() for row in range(SAMPLES * VIEWS))


def test_no_bit_of_a_file_can_change_a_record(tmp_path):
    cache, *_ = write(tmp_path / 'c', 'float16')
    whole, path = records_of(cache.folder), cache.folder / 'view0001-00000.npy'
    content, found = path.read_bytes(), 0
    for place in range(0, len(content), 3):  # each field of each record
        changed = bytearray(content)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        try:
            assert records_of(cache.folder) == whole  # a blank of the header
        except CacheError as error:
            assert path.name in str(error)
            found += 1
            assert cache.fault(path.name, records=True)  # so that the tool mends it
    assert found >= cache.layout.record.itemsize


def test_a_record_or_a_file_in_anothers_place_is_an_error(tmp_path):
    cache, *_ = write(tmp_path / 'c')
    first, second = (cache.folder / f'view000{view}-00000.npy' for view in range(2))
    shards = [np.load(path) for path in (first, second)]
    np.save(first, shards[0][[1, 0, 2]])
    with pytest.raises(CacheError, match='record 0 of view0000-00000.npy is damaged'):
        records_of(cache.folder)
    for path, shard in zip((second, first), shards, strict=True):
        np.save(path, shard)
    with pytest.raises(CacheError, match='record 0 of view0000-00000.npy is damaged'):
        records_of(cache.folder)


def test_a_file_that_is_cut_short_while_it_is_read_is_an_error(tmp_path):
    cache, *_ = write(tmp_path / 'c')
    cache.read(0)
    path = cache.folder / 'view0000-00000.npy'
    with path.open('r+b') as file:
        file.truncate(path.stat().st_size - 1)
    with pytest.raises(CacheError, match='record 2 of view0000-00000.npy is damaged'):
        cache.read(2)


def test_views_count_as_there_once_all_their_files_are(tmp_path):
    cache, *_ = write(tmp_path / 'c')
    flip_a_bit(cache.folder / 'view0001-00001.npy', 0)
    with pytest.raises(CacheError, match=r'1 are missing or damaged \(view0001-00001\.npy cannot be read'):
        finish(cache, VIEWS)
    (cache.folder / 'view0001-00001.npy').unlink()
    with pytest.raises(CacheError, match=r'view0001-00001\.npy is missing'):
        finish(cache, VIEWS)


def describe(**settings):
    plan = ViewPlan(dict(student=dict(clip_len=4, size=8), vit=dict(clip_len=4, size=8)))
    config = dict(type='Recognizer3D', backbone=dict(type='ResNet3d', depth=18, **settings))
    return describe_teacher(dict(config=config, checkpoint='https://host/vit.pth'), 'vit', plan, None)


@pytest.mark.parametrize('setting', [None, {}])
def test_a_setting_of_none_is_another_than_none_at_all(setting):
    there, here = describe(), describe(act_cfg=setting)
    for pair in ((there, here), (here, there)):
        with pytest.raises(CacheError, match=r'model\.backbone\.act_cfg'):
            check_teacher(*pair, 'vit', 'cache')
    check_teacher(here, here, 'vit', 'cache')


def test_weights_of_the_same_address_are_the_same_and_others_are_compared(monkeypatch):
    here = describe()
    there = {**here, 'address': 'https://host/other.pth', 'sha256': '0' * 64, 'file': 'other.pth'}
    monkeypatch.setattr(description, 'read_source', lambda address, key: (address, {'weight': torch.ones(1)}))
    with pytest.raises(CacheError, match=r'is of other weights than model\.teachers\.vit\.checkpoint'):
        check_teacher(there, here, 'vit', 'cache')
    check_teacher({**there, 'sha256': description.weights_digest({'weight': torch.ones(1)})}, here, 'vit', 'cache')
    monkeypatch.setattr(description, 'read_source', None)
    check_teacher({**there, 'address': here['address']}, here, 'vit', 'cache')


def test_another_number_of_data_sets_is_an_error():
    part = dict(settings={}, count=1)
    with pytest.raises(CacheError, match=r'is of 2 data sets, train_dataloader\.dataset has 1'):
        check_data(dict(data=dict(parts=[part, part])), [part], 'cache')


def test_a_cache_of_another_format_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr('mmdualkd.cache.store.FORMAT', 1)
    folder = tmp_path / 'c'
    write(folder)
    monkeypatch.undo()
    with pytest.raises(ConfigError, match=r'has the format 1, this version reads \d+: write it anew'):
        TeacherCache(folder)

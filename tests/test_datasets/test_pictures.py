"""Pictures that do not decode, and random numbers that only the seed decides, on MMPretrain's data sets."""

import pickle
import shutil

import numpy as np
import pytest
import torch
from mmengine.dataset import pseudo_collate
from mmpretrain import datasets as stock
from picture_jobs import write_pictures
from torch.utils.data import DataLoader

from mmdualkd import datasets as ours
from mmdualkd.errors import DataError

LOAD = [dict(type='mmpretrain.LoadImageFromFile')]
PACK = [dict(type='mmpretrain.PackInputs')]
CROP = [dict(type='mmpretrain.RandomCrop', crop_size=16)]
BROKEN = [1, 4, 6]


@pytest.fixture
def pictures(tmp_path):
    """Eight pictures of two classes, all whole."""
    return write_pictures(tmp_path / 'pictures')


@pytest.fixture
def broken(pictures):
    """Of eight pictures one is missing, one without content, one no picture."""
    (pictures / 'class0' / '1.jpg').write_bytes(b'')
    (pictures / 'class1' / '0.jpg').write_bytes(b'not a picture' * 100)
    lines = [f'class{label}/{index}.jpg {label}\n' for label in range(2) for index in range(4)]
    (pictures / 'list.txt').write_text(''.join(lines))
    (pictures / 'class1' / '2.jpg').unlink()
    return dict(data_prefix=str(pictures), ann_file=str(pictures / 'list.txt'))


def test_whole_pictures_come_out_as_from_the_stock_data_set(pictures):
    kwargs = dict(data_prefix=str(pictures), pipeline=LOAD + PACK)
    mine, theirs = ours.CustomDataset(**kwargs), stock.CustomDataset(**kwargs)
    assert len(mine) == len(theirs) == 8 and mine.metainfo == theirs.metainfo
    for a, b in zip(mine, theirs, strict=True):
        assert torch.equal(a['inputs'], b['inputs']) and a['data_samples'].gt_label == b['data_samples'].gt_label


@pytest.mark.parametrize('workers', [0, 2])
def test_broken_pictures_are_replaced_in_training_counted_and_named(broken, workers):
    dataset = ours.CustomDataset(**broken, pipeline=LOAD + PACK)
    samples = list(DataLoader(dataset, batch_size=1, num_workers=workers, collate_fn=pseudo_collate))
    assert len(samples) == 8 and all(sample['inputs'][0].any() for sample in samples)
    assert dataset.flags.nonzero().flatten().tolist() == BROKEN
    names = [f'{broken["data_prefix"]}/{name}' for name in ('class0/1.jpg', 'class1/0.jpg', 'class1/2.jpg')]
    assert dataset.failed() == names
    assert any(name in dataset.last_error for name in names)


def test_a_broken_picture_is_tested_as_a_blank_under_its_own_label(broken):
    samples = list(ours.CustomDataset(**broken, pipeline=LOAD + PACK, test_mode=True))
    assert [int(sample['data_samples'].gt_label) for sample in samples] == [0] * 4 + [1] * 4
    assert [index for index, sample in enumerate(samples) if not sample['inputs'].any()] == BROKEN


def test_when_nothing_decodes_it_ends_in_one_clear_error(pictures):
    for file in pictures.glob('*/*.jpg'):
        file.write_bytes(b'')
    dataset = ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD + PACK, max_refetch=5)
    with pytest.raises(DataError, match=rf'{pictures}: \d pictures do not decode, 5 of them in a row'):
        dataset[0]


def test_an_error_behind_the_decoding_is_raised_as_it_is(pictures):
    dataset = ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD)
    dataset.pipeline.transforms.append(lambda results: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        dataset[0]


@pytest.mark.parametrize('workers', [0, 2])
def test_random_crops_depend_on_seed_epoch_and_sample_alone(pictures, workers):
    def crops(epoch):
        dataset = ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD + CROP + PACK)
        dataset.set_clock(3, epoch)
        loader = DataLoader(dataset, batch_size=2, num_workers=workers, collate_fn=pseudo_collate)
        return torch.stack([picture for batch in loader for picture in batch['inputs']])

    np.random.seed(workers)
    first = crops(0)
    alone = ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD + CROP + PACK)
    alone.set_clock(3, 0)
    assert torch.equal(first, torch.stack([alone[index]['inputs'] for index in range(8)]))
    assert not torch.equal(first, crops(1))


def test_imagenets_and_cifars_arguments_and_classes_are_the_stock_ones(pictures, tmp_path):
    imagenet = ours.ImageNet(data_root=str(pictures), lazy_init=True)
    assert imagenet.metainfo['classes'] == stock.ImageNet.METAINFO['classes']
    folder = tmp_path / 'cifar-100-python'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, count in (('train', 6), ('test', 4)):
        data = rng.integers(0, 256, (count, 3072), dtype=np.uint8)
        (folder / name).write_bytes(pickle.dumps(dict(data=data, fine_labels=list(range(count)))))
    (folder / 'meta').write_bytes(pickle.dumps(dict(fine_label_names=[f'class{k}' for k in range(100)])))
    for split in ('train', 'test'):
        kwargs = dict(data_root=str(tmp_path), split=split, pipeline=PACK, download=False)
        with pytest.MonkeyPatch.context() as patch:  # the files are not the official ones
            patch.setattr(stock.CIFAR100, '_check_integrity', lambda self: True)
            mine, theirs = ours.CIFAR100(**kwargs), stock.CIFAR100(**kwargs)
        assert len(mine) == len(theirs) and len(mine.metainfo['classes']) == 100
        assert all(torch.equal(a['inputs'], b['inputs']) for a, b in zip(mine, theirs, strict=True))


@pytest.mark.parametrize(
    'content, message',
    [
        (None, 'there is no such file'),
        ('', 'is empty'),
        ('class0/0.jpg\n', "line 1 .* must be '<file> <label>'"),
        ('class0/0.jpg 0\n\nclass0/1.jpg cat\n', 'line 3 .*whole numbers'),
        ('class0/0.jpg -2\n', 'line 1 .*negative'),
        ('0.jpg 0\n', 'none of 1 pictures of '),
    ],
)
def test_annotations_that_cannot_be_used_are_one_clear_error(pictures, content, message):
    path = pictures / 'list.txt'
    if content is not None:
        path.write_text(content)
    with pytest.raises(DataError, match=f'(?=.*{path}).*{message}'):
        ours.CustomDataset(data_prefix=str(pictures), ann_file=str(path), pipeline=LOAD)


def test_a_list_may_name_any_number_of_pictures_with_spaces_and_its_classes_have_names(pictures):
    (pictures / 'class1' / '0.jpg').rename(pictures / 'класс 1.jpg')
    (pictures / 'list.txt').write_text('\ufeffclass0/0.jpg 0\r\nкласс 1.jpg 1\n\nclass0/1.jpg 0\n')
    (pictures / 'classes.txt').write_text('a cat\nпёс\n')
    kwargs = dict(data_prefix=str(pictures), ann_file=str(pictures / 'list.txt'), pipeline=LOAD + PACK)
    dataset = ours.CustomDataset(**kwargs)
    assert [dataset[index]['data_samples'].gt_label.item() for index in range(3)] == [0, 1, 0]
    assert dataset.metainfo['classes'] == ['a cat', 'пёс'] and not dataset.flags.any()
    assert ours.CustomDataset(**kwargs, metainfo=dict(classes=['x', 'y'])).metainfo['classes'] == ['x', 'y']
    (pictures / 'classes.txt').write_text('a cat\n')
    assert 'classes' not in ours.CustomDataset(**kwargs).metainfo


def test_a_folder_without_pictures_is_one_clear_error(tmp_path):
    (tmp_path / 'class0').mkdir()
    with pytest.raises(DataError, match=f'{tmp_path} cannot be read as labelled pictures: no file in its'):
        ours.CustomDataset(data_prefix=str(tmp_path), pipeline=LOAD)


def test_a_hidden_folder_is_no_class_and_holds_no_pictures(pictures):
    whole = ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD + PACK)
    for folder in (pictures, pictures / 'class1'):
        shutil.copytree(pictures / 'class0', folder / '.ipynb_checkpoints')
    for metainfo in (None, dict(classes=['a', 'b'])):
        dataset = ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD + PACK, metainfo=metainfo)
        assert [dataset.get_data_info(i) for i in range(len(dataset))] == [whole.get_data_info(i) for i in range(8)]
    assert whole.metainfo['classes'] == ('class0', 'class1') and dataset.metainfo['classes'] == ['a', 'b']
    with pytest.raises(DataError, match=f'{pictures} cannot .* it has 2 folders, but metainfo has 1 classes'):
        ours.CustomDataset(data_prefix=str(pictures), pipeline=LOAD + PACK, metainfo=dict(classes=['a']))


def test_a_byte_order_mark_is_no_part_of_a_name(pictures):
    path = pictures / 'list.txt'
    path.write_bytes(b'\xef\xbb\xbfclass0/0.jpg 0\r\nclass1/0.jpg 1\r\n')
    dataset = ours.CustomDataset(data_prefix=str(pictures), ann_file=str(path), pipeline=LOAD + PACK)
    assert [sample['inputs'].shape[0] for sample in dataset] == [3, 3] and not dataset.flags.any()


def test_pictures_that_extensions_leave_out_are_told_of(pictures, monkeypatch):
    said = []
    monkeypatch.setattr('mmdualkd.datasets.pictures.print_log', lambda message, **kwargs: said.append(message))
    (pictures / 'class1' / '.hidden.gif').write_bytes(b'')
    (pictures / 'class1' / 'Thumbs.db').write_bytes(b'')
    assert len(ours.CustomDataset(data_prefix=str(pictures), pipeline=[])) == 8 and not said
    (pictures / 'class0' / '1.jpg').rename(pictures / 'class0' / '1.WEBP')
    assert len(ours.CustomDataset(data_prefix=str(pictures), pipeline=[])) == 7
    assert said[0].startswith(
        f'{pictures}: 1 pictures are left out, whose names end in .webp: name these in dataset.ext'
    )
    taken = ours.CustomDataset(data_prefix=str(pictures), pipeline=[], extensions=['.jpg', '.webp'])
    assert len(taken) == 8


def test_a_list_of_imagenet_beside_folders_that_it_is_not_of_is_refused_where_it_is_read(tmp_path):
    folder, names = tmp_path / 'val' / 'n01440764', stock.ImageNet.METAINFO['classes']
    folder.mkdir(parents=True)
    for index in range(3):
        (folder / f'{index}.jpg').write_bytes(b'not looked at')
    kwargs = dict(data_root=str(tmp_path), split='val', pipeline=LOAD + PACK)
    with pytest.raises(DataError, match=rf'it has 1 folders, but metainfo has {len(names)} classes'):
        ours.ImageNet(**kwargs)
    (tmp_path / 'meta').mkdir()
    (tmp_path / 'meta' / 'val.txt').write_text('0.jpg 0\n1.jpg 0\n2.jpg 0\n')  # of the flat folder of the archive
    with pytest.raises(DataError, match=r'none of 3 pictures of .*meta/val.txt is there: .* the first one is .*/0.jpg'):
        ours.ImageNet(**kwargs)
    (tmp_path / 'meta' / 'val.txt').write_text('n01440764/0.jpg 7\n')
    assert ours.ImageNet(**kwargs).get_data_info(0)['gt_label'] == 7

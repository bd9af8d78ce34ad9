"""A picture folder of which only some are used (``per_class``)."""

import pytest
from picture_jobs import write_pictures

from mmdualkd.datasets import CustomDataset
from mmdualkd.errors import ConfigError, DataError


def test_each_class_gives_as_many_pictures_evenly_spaced_by_name(tmp_path):
    folder = str(write_pictures(tmp_path / 'pictures', classes=3, per_class=6))
    whole, few = CustomDataset(data_prefix=folder), CustomDataset(per_class=3, data_prefix=folder)
    assert [few.get_data_info(index)['gt_label'] for index in range(len(few))] == [0] * 3 + [1] * 3 + [2] * 3
    paths = [whole.get_data_info(index)['img_path'] for index in range(len(whole))]
    assert [few.get_data_info(index)['img_path'] for index in range(len(few))] == paths[::2]


def test_a_class_with_fewer_pictures_is_an_error_that_says_how_many(tmp_path):
    folder = write_pictures(tmp_path / 'pictures', classes=2, per_class=4)
    (folder / 'class1' / '0.jpg').unlink()
    with pytest.raises(DataError, match=r'class 1 has 3 pictures, fewer than per_class=4'):
        CustomDataset(per_class=4, data_prefix=str(folder))


@pytest.mark.parametrize('wrong', [0, 1.5])
def test_a_number_that_makes_no_sense_is_refused(tmp_path, wrong):
    with pytest.raises(ConfigError, match=rf'per_class must be None or a whole number from 1, got {wrong}'):
        CustomDataset(per_class=wrong, data_prefix=str(tmp_path))

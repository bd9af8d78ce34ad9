"""Data sets are found in a config inside MMEngine's wrappers, each with its place."""

from mmdualkd.dataset_configs import plain_configs

FIRST, SECOND, THIRD = (dict(type='VideoDataset', ann_file=f'{name}.txt') for name in 'abc')


def test_data_sets_inside_wrappers_come_in_order_with_where_each_stands():
    several = dict(type='ConcatDataset', datasets=[dict(type='RepeatDataset', dataset=FIRST, times=2), SECOND])
    found = list(plain_configs(dict(type='ClassBalancedDataset', dataset=several), ('train_dataloader', 'dataset')))
    begin = ('train_dataloader', 'dataset', 'dataset', 'datasets')
    assert found == [((*begin, 0, 'dataset'), FIRST), ((*begin, 1), SECOND)]


def test_one_without_a_wrapper_is_found_and_nothing_in_what_is_no_data_set():
    assert list(plain_configs(THIRD)) == [((), THIRD)] and not list(plain_configs(None))

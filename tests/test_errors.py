"""Errors name the key, the value and what would be right."""

import pytest
from torch.utils.data import DataLoader

from mmdualkd.errors import ConfigError, check_not_negative, check_number, check_part_names, check_positive


@pytest.mark.parametrize('name', ['kd', 'kd_2', 'KD', 'nce-ts', 'teacher', 'ünter'])
def test_usual_names_of_parts_pass(name):
    check_part_names('model.terms', {name: {}}, ['student'])


@pytest.mark.parametrize(
    'name, problem',
    [
        (3, 'is no name'),
        (None, 'is no name'),
        ('', 'is no name'),
        ('a.b', "must not contain '.', '/' or white space"),
        ('a/b', "must not contain '.', '/' or white space"),
        ('a b', "must not contain '.', '/' or white space"),
        ('a\n', "must not contain '.', '/' or white space"),
        ('type', "clashes with torch's nn.ModuleDict"),
        ('forward', "clashes with torch's nn.ModuleDict"),
        ('training', "clashes with torch's nn.ModuleDict"),
        ('keys', "clashes with torch's nn.ModuleDict"),
        ('_modules', "clashes with torch's nn.ModuleDict"),
        ('student', "is reserved \\(so are: 'student', 'assistant'\\)"),
    ],
)
def test_names_that_no_part_can_have_are_one_clear_error(name, problem):
    with pytest.raises(ConfigError, match=f'^model.terms: {name!r} {problem}.*; choose another$'.replace('\\n', '.n')):
        check_part_names('model.terms', {'kd': {}, name: {}}, ['student', 'assistant'])


@pytest.mark.parametrize('value', ['high', '4', None, float('nan'), float('inf'), float('-inf'), True, [1.0]])
@pytest.mark.parametrize('check', [check_number, check_positive, check_not_negative])
def test_what_is_no_finite_number_is_one_clear_error(check, value):
    with pytest.raises(ConfigError) as caught:
        check(tau=value)
    assert str(caught.value) == f'tau must be a finite number, got {value!r}'


def test_numbers_in_their_range_pass_and_others_do_not():
    check_number(tau=-1)
    check_positive(tau=1e-30, weight=1)
    check_not_negative(tau=0, weight=0.0)
    with pytest.raises(ConfigError, match='^weight must be positive, got 0$'):
        check_positive(tau=1, weight=0)
    with pytest.raises(ConfigError, match='^weight must not be negative, got -0.5$'):
        check_not_negative(tau=1, weight=-0.5)


class Wrong:
    """A data set whose samples are all wrong."""

    def __len__(self):
        return 2

    def __getitem__(self, index):
        raise ConfigError('dataset.pipeline is wrong: one line')


@pytest.mark.parametrize('workers', [0, 1])
def test_an_error_of_a_worker_process_is_one_line_as_in_the_main_process(workers):
    with pytest.raises(ConfigError) as caught:
        next(iter(DataLoader(Wrong(), num_workers=workers)))
    assert str(caught.value) == 'dataset.pipeline is wrong: one line'

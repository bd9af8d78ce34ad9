"""A table of files and classes, and what divides them."""

import pytest

from mmdualkd.datasets.splits import class_names, known_classes
from mmdualkd.datasets.table import read_table
from mmdualkd.errors import DataError


@pytest.mark.parametrize(
    'text',
    [
        'a b.avi,two words\n"c,d.avi",другой\n',
        '\ufeffpath,label\r\na b.avi,two words\r\n"c,d.avi",другой\r\n',
        'index,Class_Name,video\n0,two words, a b.avi\n\n1,другой,"c,d.avi"\n',
    ],
    ids=['without a header', 'with a header', 'with further columns'],
)
def test_a_table_is_read_with_a_header_or_without(tmp_path, text):
    (tmp_path / 'table.csv').write_bytes(text.encode())
    assert read_table(tmp_path / 'table.csv') == ({'a b.avi': 'two words', 'c,d.avi': 'другой'}, {})


@pytest.mark.parametrize(
    'text, message',
    [
        (b'a.avi,run\nb.avi\n', r"table\.csv, line 2 \('b\.avi'\): a row must be path,label"),
        (b'a.avi;run\n', r'line 1 .* a row must be path,label'),
        (b'path,label\n,run\n', r'line 2 .* a row must be path,label'),
        (b'a.avi,run\na.avi,walk\n', r"line 2: 'a\.avi' stands there before"),
        (b'a.avi,run\n./a.avi,walk\n', r"line 2: '\./a\.avi' stands there before, as 'a\.avi'"),
        (b'path,label\n', r'table\.csv is empty'),
        (b'', r'table\.csv is empty'),
        (b'caf\xe9.avi,run\n', r'table\.csv cannot be read as a CSV in UTF-8: '),
        (b'"a.avi,run\n', r'table\.csv cannot be read as a CSV in UTF-8: '),
    ],
)
def test_a_table_that_cannot_be_used_is_one_clear_error(tmp_path, text, message):
    (tmp_path / 'table.csv').write_bytes(text)
    with pytest.raises(DataError, match=message):
        read_table(tmp_path / 'table.csv')


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match='gone.csv cannot be read as a CSV in UTF-8: .*No such file'):
        read_table(tmp_path / 'gone.csv')


def test_numbers_that_pandas_wrote_beside_gaps_are_the_numbers_that_they_were(tmp_path):
    (tmp_path / 'table.csv').write_text('path,label\na.avi,10.0\nb.avi,2.0\nc.avi,\nd.avi,2\ne.avi,-1.0\n')
    table = read_table(tmp_path / 'table.csv').classes
    classes, unlabelled = known_classes(list(table), table)
    assert class_names(classes) == ['2', '10'] and unlabelled == ['c.avi', 'e.avi']
    (tmp_path / 'table.csv').write_text('a.avi,v1.0\nb.avi,2.0\n')
    assert read_table(tmp_path / 'table.csv').classes == {'a.avi': 'v1.0', 'b.avi': '2.0'}


def test_a_column_of_a_split_divides_the_files(tmp_path, capsys):
    (tmp_path / 'table.csv').write_text('path,label,Split\na.avi,run,Train\nb.avi,run,test\nc.avi,,valid\n')
    table = read_table(tmp_path / 'table.csv')
    assert table.classes == {'a.avi': 'run', 'b.avi': 'run', 'c.avi': ''}
    assert table.parts == {'a.avi': 'train', 'b.avi': 'test', 'c.avi': 'valid'}
    assert not capsys.readouterr().out


@pytest.mark.parametrize(
    'parts, why',
    [(('1', '2'), "'1' is no part"), (('train', ''), "'' is no part"), (('val', 'test'), 'all files are of')],
)
def test_a_column_that_does_not_divide_the_files_is_told_of(tmp_path, capsys, parts, why):
    (tmp_path / 'table.csv').write_text(f'path,label,fold\na.avi,run,{parts[0]}\nb.avi,run,{parts[1]}\n')
    assert read_table(tmp_path / 'table.csv') == ({'a.avi': 'run', 'b.avi': 'run'}, {})
    assert f"the column 'fold' is not read, for {why}" in capsys.readouterr().out

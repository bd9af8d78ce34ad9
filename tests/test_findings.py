import pytest

from mmdualkd.findings import Finding, exit_code, report
from mmdualkd.machine import in_bytes, in_time, nearest_folder, refusal


def test_a_report_counts_first_and_ends_with_the_errors():
    found = [
        Finding('error', 'step', 'it\nbreaks'),
        Finding('fine', 'data', 'good'),
        Finding('fine', 'more data', 'good'),
        Finding('warning', 'leak', 'a little'),
        Finding('error', 'start', 'it\nbreaks'),
    ]
    assert report(found).splitlines() == [
        '1 error, 1 warning, 2 fine',
        'fine     data       good',
        'fine     more data  good',
        'warning  leak       a little',
        'error    step       it breaks',
    ]
    assert exit_code(found) == 1 and exit_code(found[1:4]) == 0 and report([]) == '0 errors, 0 warnings, 0 fine'


@pytest.mark.parametrize(
    ('seconds', 'text'),
    [(0.0213, '21 ms'), (3.21, '3.2 s'), (250, '4 min'), (9000, '2 h 30 min'), (3 * 86400, '3.0 days')],
)
def test_times_are_for_people(seconds, text):
    assert in_time(seconds) == text


def test_bytes_are_for_people():
    assert [in_bytes(count) for count in (17, 2300, 5e9)] == ['17 bytes', '2.3 KB', '5.0 GB']


def test_a_folder_that_is_not_there_yet_is_judged_by_the_one_above(tmp_path):
    assert nearest_folder(tmp_path / 'a' / 'b') == tmp_path
    assert refusal(tmp_path / 'a') is None and not list(tmp_path.iterdir())
    assert refusal('/proc/a').endswith(', /proc')

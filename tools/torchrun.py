"""torchrun, with the flags of ``python -m torch.distributed.run``; its last line is the error that ended the processes.

``dist_train.sh`` and ``dist_test.sh`` call it.
"""

import sys

from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
from torch.distributed.run import main


def last_words(report: ChildFailedError) -> str | None:
    """Type and message of the exception that ended the first process to fail; None if it died of something else."""
    _, failure = report.get_first_failure()
    data = failure.error_file_data.get('message')
    return data['message'] if isinstance(data, dict) and 'extraInfo' in data else None


if __name__ == '__main__':
    try:
        main()
    except ChildFailedError as report:
        words = last_words(report)
        if words is None:
            raise
        sys.exit(words)

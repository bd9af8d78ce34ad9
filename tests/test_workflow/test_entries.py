"""Students and teachers of a run."""

import pytest

from mmdualkd.workflow.entries import entry_of
from mmdualkd.zoo.catalogue import VIDEOS


@pytest.mark.parametrize(('frames', 'interval'), [(300, 6), (78, 6), (77, 5), (40, 3), (9, 1)])
def test_a_model_takes_frames_that_lie_closer_together_where_videos_are_short(frames, interval):
    model = entry_of('x3d-s', VIDEOS, '--student', False, None, dict(frames=frames)).model
    assert dict(model.view) == dict(clip_len=13, frame_interval=interval, size=160)

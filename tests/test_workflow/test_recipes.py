import pytest

from mmdualkd.workflow.recipes import default_epochs


@pytest.mark.parametrize(
    'fine_tuned, seen, student, teachers',
    [(True, 56, 30, 20), (False, 56, 240, 240), (False, 57, 236, 236), (False, 136, 100, 100), (False, 5000, 100, 100)],
)
def test_few_samples_from_scratch_are_seen_as_often_as_sixty_clips_in_240_epochs(fine_tuned, seen, student, teachers):
    assert default_epochs('student', fine_tuned, seen) == student
    assert default_epochs('teachers', fine_tuned, seen) == teachers

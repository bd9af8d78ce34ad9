import pytest

from mmdualkd.workflow.recipes import default_epochs


@pytest.mark.parametrize(
    'fine_tuned, samples, student, teachers',
    [(True, 60, 30, 20), (False, 60, 240, 240), (False, 61, 237, 237), (False, 144, 100, 100), (False, 5000, 100, 100)],
)
def test_few_samples_from_scratch_are_seen_as_often_as_sixty_clips_in_240_epochs(
    fine_tuned, samples, student, teachers
):
    assert default_epochs('student', fine_tuned, samples) == student
    assert default_epochs('teachers', fine_tuned, samples) == teachers

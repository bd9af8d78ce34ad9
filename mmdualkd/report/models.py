"""Model by model: accuracy, agreement and calibration."""

from . import charts
from .markup import Html, chart, row, section, table, tag
from .measures import BINS, agreement, calibrate, share
from .subject import Subject, percent

PAPER = tag('a', 'Guo et al. 2017', href='https://arxiv.org/abs/1706.04599')


def overview(subject: Subject) -> Html | None:
    """Each model's accuracy and calibration, and what distillation brought."""
    models = subject.predictions()
    if not models:
        return None
    rows = []
    for name, (found, model) in models.items():
        right, confidence = found.right(model), found.confidence[model]
        label = name if name in (subject.name, subject.name_alone) else f'teacher {name}'
        ece = calibrate(confidence, right).ece
        rows.append((label, percent(right.mean()), percent(confidence.mean()), percent(ece)))
    parts = [table(('model', 'top-1 %', 'mean confidence %', 'ECE %'), rows)]
    if (turn := subject.change) is not None:
        gain = tag('strong', f'{100 * turn.difference:+.1f} points', class_='good' if turn.difference >= 0 else 'bad')
        parts.append(
            tag(
                'p',
                'Distillation changed the accuracy by ',
                gain,
                f' (95 % interval over these samples {100 * turn.low:+.1f} to {100 * turn.high:+.1f}): it fixed '
                f'{len(turn.fixed)} samples and broke {len(turn.broken)}, exact McNemar test p = {turn.p:.2g}. '
                'That is of one training each; other seeds give other networks, and only a study over seeds tells how '
                'far the method itself differs.',
            )  # fmt: skip
        )
    count, classes = len(subject.found.labels), len(subject.found.classes)
    words = f'{count:,} validation samples of {classes} classes. '
    if without := int((subject.found.labels < 0).sum()):
        words += f'Of none of these are {without:,}, which count as wrong. '
    if subject.found.teachers:
        words += (
            'Students as in their own validation, teachers as tools/check_teachers.py runs them: of a video one clip.'
        )
    return section('Accuracy', *parts, tag('p', words, class_='soft'))


def agreeing(subject: Subject) -> Html | None:
    """How often students and teachers say the same, and whether students copy teachers' mistakes."""
    models = subject.predictions()
    if len(models) < 2:
        return None
    predicted = {name: found.predicted[model] for name, (found, model) in models.items()}
    names = list(predicted)
    picture = charts.matrix(
        f'How often two of {", ".join(names)} say the same, in percent', 100 * agreement(predicted), names, names,
        title='same answer, % of the samples',
    )  # fmt: skip
    students = [name for name in (subject.name, subject.name_alone) if name in predicted]
    rows = []
    for teacher in subject.found.teachers:
        right = subject.found.right(teacher)
        for student in students:
            same = predicted[student] == predicted[teacher]
            cells = (percent(same.mean()), percent(share(same, right)), percent(share(same, ~right)))
            rows.append((teacher, student, *cells))
    head = ('teacher', 'student', 'agree %', 'where the teacher is right', 'where it is wrong')
    parts = [chart(picture, 'On the diagonal a model meets itself.')]
    if rows:
        words = 'Agreement where a teacher is wrong is a mistake of its that the student makes as well.'
        parts.append(tag('div', table(head, rows, text=2), tag('p', words, class_='soft')))
    return section('Agreement', row(*parts))


def reliabilities(subject: Subject) -> Html | None:
    """Reliability diagrams and the expected calibration error."""
    figures = []
    for name, (found, model) in subject.predictions().items():
        calibration = calibrate(found.confidence[model], found.right(model))
        ece = percent(calibration.ece)
        picture = charts.reliability(
            f'Reliability diagram of {name}: expected calibration error {ece} %', calibration,
            subject.colours[name], title=f'{name}: ECE {ece} %',
        )  # fmt: skip
        mean = found.confidence[model].mean() - found.right(model).mean()
        note = 'more confident than right' if mean > 0 else 'less confident than right'
        figures.append(chart(picture, f'On average {abs(100 * mean):.1f} points {note}.'))
    formula = f'ECE = Σₘ |Bₘ| / n · |accuracy(Bₘ) − confidence(Bₘ)| over {BINS} equally wide bins of confidence ('
    words = tag('p', formula, PAPER, '). Bars on the dotted line are calibrated.', class_='soft')
    return section('Calibration', words, row(*figures)) if figures else None

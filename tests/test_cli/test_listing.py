"""`mmdualkd list methods|terms|weightings`."""

import inspect

import pytest
from commands import subcommand
from mmengine.config import Config

from mmdualkd import losses, weighting
from mmdualkd.docstrings import arguments, sentence, summary
from mmdualkd.fragments import fragments
from mmdualkd.losses import PairTerm, Term
from mmdualkd.workflow.methods import method_names


@pytest.mark.parametrize(('what', 'room'), [('terms', losses), ('weightings', weighting)])
def test_everything_that_a_config_can_name_is_listed_with_all_its_arguments(what, room, capsys):
    subcommand('listing', what)
    output = capsys.readouterr().out
    blocks = {block.partition(':')[0]: block for block in output.strip().split('\n\n')}
    kinds = [getattr(room, name) for name in room.__all__]
    kinds = [kind for kind in kinds if not inspect.isabstract(kind) and kind.__name__ not in ('Step',)]
    names = sorted(kind.__name__ for kind in kinds)
    assert [name for name in blocks if name in names] == names  # other tests register terms, too
    for kind in kinds:
        name, *rows = blocks[kind.__name__].splitlines()
        assert len(name) > len(kind.__name__) + 10
        parameters = inspect.signature(kind).parameters
        parameters = {
            name: one for name, one in parameters.items() if one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        }
        for row, (argument, parameter) in zip(rows, parameters.items(), strict=True):
            words = row.split(maxsplit=1)
            assert words[0].partition('=')[0] == argument and words[1].strip(), row
            assert parameter.default is parameter.empty or f'{argument}={parameter.default!r}' in row
    assert not any(mark in output for mark in ('``', ':class:', ':math:', '\\'))
    assert 'weighting=None' not in output or output.count('None takes DATW') == output.count('None takes CAMKD') == 1


def test_every_method_is_listed_under_the_name_that_a_config_takes(capsys):
    subcommand('listing', 'methods')
    title, *rows = capsys.readouterr().out.strip().splitlines()
    known = dict(row.split(maxsplit=1) for row in rows)
    assert 'terms=NAME' in title and list(known) == list(fragments())
    assert 'names without pictures/' in title and {*method_names()} == {name for name in known if '/' not in name}
    assert known['aekd'] == "kd: FusedKD(weighting=AEKD(tolerance=0.6), fuse='probabilities')"
    for name, text in known.items():
        built = {term: eval(code, Named()) for term, code in (part.split(': ', 1) for part in text.split('; '))}
        assert built == Config.fromfile(fragments()[name]).terms, name


class Named(dict):
    """Every name builds a part of a config of this type."""

    def __missing__(self, name):
        return lambda **settings: dict(type=name, **settings)


def test_what_a_docstring_leaves_to_its_base_is_the_bases():
    class Mine(PairTerm):
        """Short.

        Args:
            source: See :class:`PairTerm`.
            target: The same.
            own: Of two lines
                and ``more``. A second sentence.

        Raises:
            ConfigError: Never.
        """

        def __init__(self, source: str, target: str = 'student', own: float = 0.5, weight: float = 2.0) -> None: ...

    told = arguments(Mine)
    assert told['own'] == ('0.5', 'Of two lines and more')
    assert told['source'] == ('', "Whom is learned from: a teacher's name, 'assistant' or 'student'")
    assert told['target'][1].startswith('Who learns') and told['weight'][0] == '2.0'
    assert told['weight'][1] == arguments(losses.FusedKD)['weight'][1] != ''
    assert summary(Mine) == 'Short' and summary(Term) == 'A loss term of a distiller'


@pytest.mark.parametrize(
    ('text', 'first'),
    [
        ('At least 1; they take 1 to 1.5. More.', 'At least 1; they take 1 to 1.5'),
        ('As Park et al. 2019 have it. More.', 'As Park et al. 2019 have it'),
        ('See :class:`~a.b.Kind` and ``x``', 'See Kind and x'),
    ],
)
def test_a_sentence_ends_at_its_full_stop(text, first):
    assert sentence(text) == first

# tools/studies/pictures.py with other coefficients of the hybrid assistant: of its losses by kind, and of those that
# the assistant takes part in.
_base_ = 'pictures.py'
title = 'Pairs of a CNN, a ViT and an MLP on pictures at 32 pixels: coefficients of the hybrid assistant.'
against = ['Hybrid assistant']
groups = {
    'InfoNCE': ('nce_ts', 'nce_ta', 'nce_as'),
    'OFA': ('ofa_ts', 'ofa_ta', 'ofa_as'),
    'the assistant': ('nce_ta', 'ofa_ta', 'nce_as', 'ofa_as'),
}
hybrid = _base_.hybrid
here = _base_.here
rows = [
    dict(name='Hybrid assistant', config=hybrid, options=here),
    *(
        dict(
            name=f'{name} at {weight}',
            config=hybrid,
            options={**here, **{f'model.terms.{term}.weight': weight for term in terms}},
        )
        for name, terms in groups.items()
        for weight in (0.3, 3.0)
    ),
]

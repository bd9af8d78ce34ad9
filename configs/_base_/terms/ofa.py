# The whole OFA-KD: the loss of the last scores, and exits at the stages.
terms = dict(
    ofa=dict(type='OFA', source='vit'),
    exits=dict(type='OFAExits', source='vit'),
)

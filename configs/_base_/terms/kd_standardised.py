# KD from one teacher, on standardised logits.
terms = dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'), teachers=['vit'], standardise_logits=True))

_base_ = '../kd_standardised.py'

terms = dict(kd=dict(teachers=['teacher']))

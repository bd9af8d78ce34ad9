_base_ = '../rsd.py'

terms = dict(rsd=dict(source='teacher'))

_base_ = '../dkd.py'

terms = dict(dkd=dict(source='teacher'))

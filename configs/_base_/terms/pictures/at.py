_base_ = '../at.py'

terms = dict(at=dict(source='teacher'))

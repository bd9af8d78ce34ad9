_base_ = '../kd.py'

terms = dict(kd=dict(teachers=['teacher']))

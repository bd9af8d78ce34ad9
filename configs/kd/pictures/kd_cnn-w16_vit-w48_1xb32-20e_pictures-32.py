_base_ = '../../hybrid/pictures/hybrid_cnn-w16_vit-w48_1xb32-20e_pictures-32.py'

# one teacher: plain KD
model = dict(type='mmdualkd.Distiller', terms=dict(kd=dict(type='FusedKD', weighting=dict(type='Uniform'))))

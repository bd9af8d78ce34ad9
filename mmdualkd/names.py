"""Names of a distiller's models, whose teachers have their own, of what it logs of each, of samples and runs."""

STUDENT = 'student'
ASSISTANT = 'assistant'
BATCH_ACCURACY = 'batch_acc/'  # in the log, before a model's name
UNDECODED = 'undecoded'  # in the log, behind a validation

# of a cache: the most draws of a sample, and how values are kept
MAX_VIEWS = 9999
DTYPES = dict(float16='<f2', float32='<f4')

RUN = 'run.json'  # in the folder of a run of `mmdualkd distill`: its state

# the keys of a sample's video, picture or folder of frames, and of its label
FILES = ('filename', 'img_path', 'frame_dir')
LABELS = ('label', 'gt_label')

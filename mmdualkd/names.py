"""Names of a distiller's models, whose teachers have names of their own, and of what it logs of each."""

STUDENT = 'student'
ASSISTANT = 'assistant'
BATCH_ACCURACY = 'batch_acc/'  # in the log, before a model's name

"""Names of a distiller's models; its teachers have names of their own."""

STUDENT = 'student'
ASSISTANT = 'assistant'

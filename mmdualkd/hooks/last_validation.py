"""The validation that an interruption behind the last step has taken away."""

from mmengine.hooks import Hook
from mmengine.runner import IterBasedTrainLoop, Runner


class LastValidationHook(Hook):
    """Validates a run that is resumed when nothing is left to train.

    The last checkpoint is written before the last validation: a run that is ended in between would stay without it, and
    its logs would end with an earlier epoch's accuracy.
    """

    priority = 'LOWEST'  # when all that a validation needs has been set up

    def before_train(self, runner: Runner) -> None:
        loop = runner.train_loop
        if isinstance(loop, IterBasedTrainLoop):
            done, limit = runner.iter, loop.max_iters
        else:
            done, limit = runner.epoch, loop.max_epochs
        if runner._resume and runner.val_loop is not None and done >= max(limit, loop.val_begin):
            runner.val_loop.run()

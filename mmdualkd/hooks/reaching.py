"""Hooks of others that reach into a plain model for what a distiller keeps elsewhere."""

from collections.abc import Iterable

from mmengine.hooks import Hook
from torch import nn

from ..errors import ConfigError


def check_hooks(model: nn.Module, hooks: Iterable[Hook]) -> None:
    """Refuses hooks that would do nothing to a distiller, fail in a later epoch, or change its student wrongly.

    Also those that would change what it sees beside a cache of its teachers.

    Args:
        model: What is trained; one without terms is left alone.
        hooks: The runner's.

    Raises:
        ConfigError: Names the hook, and what stands in its place where something does.
    """
    for hook in hooks if hasattr(model, 'terms') else ():
        kinds = {kind.__name__ for kind in type(hook).__mro__}
        if 'PreciseBNHook' in kinds:
            raise ConfigError(
                'custom_hooks: PreciseBNHook gives the student the clip or picture that all models share in place of '
                'its view, so that its running statistics would be of other frames or another size: leave it out'
            )
        recipes = getattr(hook, 'schedule', {}) if 'SwitchRecipeHook' in kinds else {}
        for epoch, recipe in recipes.items():
            if 'batch_augments' in recipe:
                raise ConfigError(
                    f'custom_hooks: SwitchRecipeHook, action_epoch={epoch}: batch_augments does not reach a distiller, '
                    'whose model.blending blends in all epochs: leave it out'
                )
            if 'train_pipeline' in recipe and getattr(model, 'cache', None) is not None:
                raise ConfigError(
                    f'custom_hooks: SwitchRecipeHook, action_epoch={epoch}: by another train_pipeline the student '
                    'would see other crops than its teachers, whose answers model.teacher_cache has of the first one: '
                    'leave out one of the two'
                )
            if 'train_pipeline' in recipe and not getattr(model, 'of_pictures', False):
                raise ConfigError(
                    f'custom_hooks: SwitchRecipeHook, action_epoch={epoch}: it switches pipelines of pictures; that '
                    'of clips samples the views of the model, which another one does not learn of: leave it out'
                )
            if 'loss' in recipe:
                raise ConfigError(
                    f"custom_hooks: SwitchRecipeHook, action_epoch={epoch}: loss does not reach a distiller's student, "
                    'whose loss stands in model.student for all epochs: leave it out'
                )

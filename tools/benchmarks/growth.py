"""How time and memory of a step grow with the batch, the number of teachers and the length of the clips: a picture."""

import copy
from pathlib import Path

from mmengine.config import ConfigDict
from random_models import build_random, plain_kd, random_batch, step_of
from training_steps import Settings, config_of
from turns import Ratio, peak_memory, take_turns, without_gradients

SIZE, FRAMES, BATCH = 112, 8, 2
SERIES = dict(batch=(1, 2, 4, 8), teachers=(1, 2, 3, 4), frames=(4, 8, 16, 32))
LABELS = dict(batch='clips a step', teachers='teachers', frames='frames a clip')


def small_job(cfg: ConfigDict, teachers: int, frames: int, size: int) -> ConfigDict:
    """KD of a pair's student from some copies of its CNN teacher, which takes clips of any size."""
    cfg = copy.deepcopy(cfg)
    names = [f'cnn{index}' for index in range(teachers)]
    cfg.teachers = ConfigDict({name: copy.deepcopy(cfg.teachers.cnn) for name in names})
    view = dict(clip_len=frames, size=size)
    cfg.views = ConfigDict({name: dict(view) for name in ('student', *names)})
    return plain_kd(cfg)


def growth(settings: Settings) -> dict[str, Ratio]:
    """Least seconds and peak MiB of a step along each series, as multiples of its first point."""
    cfg, size = config_of('x3d', settings), 32 if settings.quick else SIZE
    figures = {}
    for name, points in SERIES.items():
        points, parts, models = points[:2] if settings.quick else points, {}, []
        for point in points:
            job = {**dict(batch=BATCH, teachers=1, frames=FRAMES), name: point}
            model = build_random(small_job(cfg, job['teachers'], job['frames'], size), settings.device)
            parts[point] = step_of(model, random_batch(model, job['batch'], settings.device))
            models.append(model)
        seconds = [min(values) for values in take_turns(parts, settings.turns // 2, settings.device).values()]
        mib = []
        for part in parts.values():
            without_gradients(models)
            mib.append(peak_memory(part, settings.device))
        last = seconds[-1] / seconds[0]
        note = f'{points[-1]} {LABELS[name]}: {last:.2f} x the time, {mib[-1] / mib[0]:.2f} x the memory of {points[0]}'
        detail = dict(points=list(points), seconds=seconds, mib=mib)
        figures[f'growth_{name}'] = Ratio(last, note=note, detail=detail)
    return figures


def draw(figures: dict[str, dict], path: Path) -> None:
    """Draws what :func:`growth` measured, as the JSON file holds it."""
    import matplotlib

    matplotlib.use('Agg')
    import matplotlib.pyplot as plt

    _, axes = plt.subplots(1, len(SERIES), figsize=(10, 3.2), layout='constrained')
    for axis, name in zip(axes, SERIES, strict=True):
        detail = figures[f'growth_{name}']['detail']
        points = detail['points']
        for key, label in (('seconds', 'time'), ('mib', 'memory')):
            axis.plot(points, [value / detail[key][0] for value in detail[key]], marker='o', label=label)
        axis.plot(points, [point / points[0] for point in points], color='grey', linestyle=':', label='proportional')
        axis.set(xlabel=LABELS[name], xticks=points, ylim=(0, None))
    axes[0].set_ylabel(f'of {SERIES["batch"][0]} {LABELS["batch"]}, and so on')
    axes[0].legend(frameon=False)
    plt.savefig(path, dpi=120)
    plt.close()

"""Targets, and what is printed and kept of a figure."""

from dataclasses import asdict, dataclass

from turns import Ratio

HEADER = f'{"":28s} {"value":>7s}  {"95 % interval":16s}  {"target":8s}  verdict'


@dataclass(frozen=True)
class Target:
    """What a figure shall be: at most (or at least) a number, on a CPU and on a GPU."""

    cpu: float
    cuda: float
    at_most: bool = True

    def on(self, device: str) -> float:
        """The number for a device."""
        return self.cpu if device == 'cpu' else self.cuda

    def holds(self, value: float, device: str) -> bool:
        """Whether a figure keeps to it, at two decimals."""
        value = round(value, 2)
        return value <= self.on(device) if self.at_most else value >= self.on(device)


def at_most(number: float) -> Target:
    """At most this, on any device."""
    return Target(number, number)


def entry(target: Target | None, figure: Ratio, device: str, quick: bool) -> dict:
    """A figure as the JSON file holds it."""
    value = figure.value
    judged = target is not None and value is not None and not quick
    return dict(
        value=value,
        target=target and target.on(device),
        holds=target.holds(value, device) if judged else None,
        device=device,
        **{key: part for key, part in asdict(figure).items() if key != 'value'},
    )


def line(name: str, target: Target | None, figure: dict) -> str:
    """A figure's line of the table."""
    value = figure['value']
    wanted = f'{"<=" if target.at_most else ">="} {figure["target"]:.2f}' if target else '-'
    spread = f'{figure["low"]:.3f} to {figure["high"]:.3f}' if figure['low'] is not None else ''
    verdict = {True: 'holds', False: 'MISSED', None: '-'}[figure['holds']]
    shown = '-' if value is None else f'{value:.3f}'
    return f'{name:28s} {shown:>7s}  {spread:16s}  {wanted:8s}  {verdict:7s}  {figure["note"]}'.rstrip()

"""Pictures that can be read: what stands beside an axis."""

import pytest
from matplotlib.figure import Figure

from training import pictures
from training.loop import History


@pytest.mark.parametrize(("first", "last"), [(1.9, 1.2), (0.95, 0.62), (0.4, 0.31), (3.4, 0.06)])
def test_losses_stand_beside_their_axis_as_plain_numbers(
    first: float, last: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However wide the range is: at least two, none of them with an exponent."""
    drawn: list[Figure] = []

    def kept(figure: Figure) -> bytes:
        drawn.append(figure)
        return b""

    monkeypatch.setattr(pictures, "_png", kept)
    pictures.loss_curve(History(held_out=[(1, first), (2, last)]))
    [figure] = drawn
    figure.draw_without_rendering()
    axes = figure.axes[0]
    lowest, highest = axes.get_ylim()
    ticks = [*axes.yaxis.get_major_ticks(), *axes.yaxis.get_minor_ticks()]
    labels = [tick.label1.get_text() for tick in ticks if lowest <= tick.get_loc() <= highest]
    written = [label for label in labels if label]

    assert len(written) >= 2
    assert [float(label) for label in written]
    assert not [label for label in written if "e" in label]

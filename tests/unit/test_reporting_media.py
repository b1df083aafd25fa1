"""Figures for papers and slides: sizes, fonts, letters, one size of text, nothing of the run inside; on days made up."""

from __future__ import annotations

import functools
import re

import numpy as np
import pytest
from figure_boxes import alike_in_grey, drawn_texts, text_problems
from matplotlib.figure import Figure

from federates.boundary.errors import ConfigError, PortageError
from federates.reporting.export import CAPTIONS, figures_of, write_figures
from federates.reporting.figures import figure_bytes, legend_below, new_figure, paper_style, stack
from federates.reporting.media import MEDIA, drawn_for, pt
from federates.reporting.tables import RunTables

PT_PER_IN = 72.0


@paper_style
def two_panels(title: str = "", label: str = "Load (kW)") -> Figure:
    figure = new_figure(3.0, "run 20260101-000000-abcd")
    panels = stack(figure, 2)
    for k, panel in enumerate(panels):
        panel.plot([0, 1], [0, k], label=f"line {k}", linestyle=("-", "--")[k])
        panel.set_ylabel(label)
        panel.annotate("note", (0.5, 0.5), fontsize=pt(6.0))
    panels[0].set_title(title, loc="left")
    legend_below(figure, 2, *panels[0].get_legend_handles_labels())
    return figure


@functools.cache
def drawn(medium: str, **words: str) -> Figure:
    with drawn_for(MEDIA[medium]):
        return two_panels(**words)


def test_a_column_is_88_mm_wide_a_page_180_mm_and_a_slide_16_to_9():
    widths = {medium: float(drawn(medium).get_size_inches()[0]) * 25.4 for medium in MEDIA}
    assert widths["column"] == pytest.approx(88.0)
    assert widths["page"] == pytest.approx(180.0)
    width, height = drawn("slide").get_size_inches()
    assert width / height == pytest.approx(16.0 / 9.0)


@pytest.mark.parametrize(("medium", "size"), [("column", 8.0), ("page", 8.0), ("slide", 18.0)])
def test_all_text_has_one_size_and_panels_have_letters_and_no_title(medium, size):
    texts = drawn_texts(drawn(medium, title="stations"))
    assert {found.size for found in texts} == {size}
    words = [found.words for found in texts]
    assert "(a) stations" in words
    assert "(b)" in words
    assert not any("20260101" in text for text in words)


def test_a_figure_of_the_report_keeps_its_title_and_its_small_notes():
    texts = drawn_texts(two_panels())
    assert any("20260101" in found.words for found in texts)
    assert {6.0, 9.0} < {found.size for found in texts}
    assert not any(found.words.startswith("(a)") for found in texts)


def test_a_single_panel_has_no_letter():
    with drawn_for(MEDIA["column"]):
        figure = paper_style(lambda: _one_panel())()
    assert [found.words for found in drawn_texts(figure) if "(a)" in found.words] == []


def _one_panel() -> Figure:
    figure = new_figure(2.0)
    figure.subplots().plot([0, 1], [0, 1])
    return figure


@pytest.mark.parametrize("medium", MEDIA)
def test_labels_that_are_too_long_are_broken(medium):
    long = "A title that nobody could write on one line of a column, and hardly on one of a page, so long is it"
    figure = drawn(medium, title=long, label="Power of everything that is there in the grid (MW)")
    assert text_problems(figure) == []
    assert any("\n" in found.words for found in drawn_texts(figure))


def test_a_pdf_has_truetype_fonts_the_size_of_the_medium_and_nothing_of_the_machine():
    with drawn_for(MEDIA["column"]):
        pdf = figure_bytes(drawn("column"), "pdf")
    assert b"/FontFile2" in pdf
    assert b"/Type3" not in pdf
    width = float(re.search(rb"/MediaBox \[ 0 0 ([\d.]+) ", pdf)[1])
    assert width == pytest.approx(88.0 / 25.4 * PT_PER_IN, abs=0.01)
    assert not re.search(rb"/(CreationDate|ModDate|Creator|Producer|Author|Title)", pdf)


@pytest.mark.parametrize("kind", ["pdf", "svg", "png"])
def test_the_same_figure_gives_the_same_bytes_at_any_time(kind, monkeypatch):
    found, figure = [], drawn("column")
    for moment in ("0", "1700000000"):
        monkeypatch.setenv("SOURCE_DATE_EPOCH", moment)
        with drawn_for(MEDIA["column"]):
            found.append(figure_bytes(figure, kind))
    assert found[0] == found[1]


def test_a_png_for_print_has_600_dpi():
    with drawn_for(MEDIA["column"]):
        png = figure_bytes(drawn("column"), "png")
    assert int.from_bytes(png[16:20], "big") == pytest.approx(88.0 / 25.4 * 600, abs=1)


def test_the_measure_sees_what_is_cut_off_what_overlaps_and_what_is_alike_in_grey():
    figure = two_panels()
    axes = figure.axes[0]
    axes.annotate("one", (0.5, 0.5), ha="center")
    axes.annotate("two", (0.5, 0.5), ha="center")
    figure.text(0.99, 0.5, "far outside")
    axes.plot([0, 1], [1, 0], color="#0072B2", label="blue")
    axes.plot([0, 1], [1, 1], color="#A02020", label="a red as dark as the blue")
    axes.legend()
    problems = text_problems(figure)
    assert "'far outside' is cut off" in problems
    assert any("'one' lies on 'two'" in words or "'note' lies on 'one'" in words for words in problems)
    assert len(alike_in_grey(figure)) >= 1


@pytest.fixture(scope="module")
def written(rail_days, tmp_path_factory):
    out = tmp_path_factory.mktemp("figures")
    return write_figures(rail_days["mobile"], "column", "svg", ("wind", "line_flow"), out), out


def test_figures_of_a_run_are_written_by_name_with_their_captions(written, rail_days):
    found, out = written
    assert [path.name for path in found.files] == ["wind.svg", "line_flow.svg"]
    run = RunTables.read(rail_days["mobile"])
    captions = (out / CAPTIONS).read_text(encoding="utf-8")
    assert run.world.figure("wind").reading(run) in captions
    for path in found.files:
        text = path.read_text(encoding="utf-8")
        assert run.run_id not in text
        assert str(rail_days["mobile"]) not in text


@pytest.mark.parametrize(
    ("medium", "kind", "names", "said"),
    [
        ("colunm", "pdf", (), "did you mean column"),
        ("slide", "gif", (), "must be one of svg, pdf, png"),
        ("page", "png", ("winds",), "did you mean wind"),
    ],
)
def test_a_wrong_word_is_refused_with_what_is_allowed(rail_days, tmp_path, medium, kind, names, said):
    with pytest.raises(ConfigError, match=said):
        write_figures(rail_days["mobile"], medium, kind, names, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_figure_asked_for_that_cannot_be_drawn_is_an_error_and_a_folder_of_nothing_too(rail_days, tmp_path):
    with pytest.raises(PortageError, match=r"wiring cannot be drawn: graph.json was not written"):
        write_figures(rail_days["mobile"], "page", "svg", ("wiring",), tmp_path)
    with pytest.raises(ConfigError, match="must be the folder of a run"):
        list(figures_of(tmp_path))


def test_a_slide_has_its_panels_in_rows_and_a_column_below_each_other():
    def place(medium: str) -> list[tuple[int, int]]:
        with drawn_for(MEDIA[medium]):
            panels = stack(new_figure(5.0), 5)
        return [(p.get_subplotspec().rowspan.start, p.get_subplotspec().colspan.start) for p in panels]

    assert place("column") == place("page") == [(k, 0) for k in range(5)]
    assert place("slide") == [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1)]
    assert np.all(np.diff([row for row, _ in place("slide")]) >= 0)

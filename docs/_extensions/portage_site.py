"""What the site does to the project's pages: captions, links out of ``docs``, diagrams, formulas, commands, docstrings.

The pages are Markdown for GitHub first. Here is only what a reader there gets from GitHub itself.
"""

from __future__ import annotations

import hashlib
import re
from pathlib import Path
from typing import Any

from docutils import nodes
from sphinx import addnodes
from sphinx.application import Sphinx
from sphinx.transforms import SphinxTransform
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

_TITLED = re.compile(r"^(`{3,})(\w+) title=(\S+)$", re.MULTILINE)
_PATTERN = re.compile(r"^(?:[a-z]+/)?\*$", re.MULTILINE)
_SIZES = re.compile(r"\\[bB]igg?[lmr]?(?![a-zA-Z])")  # in MathML brackets are as large as what they hold
_EMPTY_HEADING = re.compile(r'<th(?: class="head[^"]*")?>(?:<p></p>)?</th>')
_INCLUDED = re.compile(r"^```\{include\} (\S+)$", re.MULTILINE)


def read_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Give a block that says of which file it is (``title=...``) that caption; leave out of lists what matches no page."""
    here = Path(app.srcdir) / f"{page}.md"
    listed = {here.stem, *source[0].splitlines()}

    def kept(pattern: re.Match[str]) -> str:
        names = (file.relative_to(here.parent).with_suffix("").as_posix() for file in here.parent.glob(f"{pattern[0]}.md"))
        return pattern[0] if any(name not in listed for name in names) else ""

    source[0] = _PATTERN.sub(kept, _TITLED.sub(r"\1{code-block} \2\n:caption: \3\n", source[0]))


class LinksOutOfDocs(SphinxTransform):
    """Lead links to files outside of ``docs`` to the page that includes the file, or to a copy of the file."""

    default_priority = 5

    def apply(self, **_: Any) -> None:
        """Go through the links of one page."""
        source = Path(self.env.srcdir)
        pages = included_pages(source)
        for link in list(self.document.findall(addnodes.pending_xref)):
            if link.get("reftype") != "myst" or link.get("refdomain") != "doc":
                continue
            file = Path(f"{link['reftarget']}.md")
            if file in pages:
                link["reftarget"] = pages[file]
            elif file.is_absolute() and file.is_file():
                link.replace_self(self._copy(link, file))

    def _copy(self, link: addnodes.pending_xref, file: Path) -> nodes.Element:
        return addnodes.download_reference("", "", *link.children, refdoc=link["refdoc"], reftarget=str(file), reftype="myst")


def included_pages(source: Path) -> dict[Path, str]:
    """Return the files outside of ``source`` that are pages of the site, with the name of the page that includes each."""
    found = {}
    for page in [*source.glob("*.md"), *(source / "benchmarks").glob("*.md")]:
        if match := _INCLUDED.match(page.read_text(encoding="utf-8")):
            found[(page.parent / match[1]).resolve()] = page.relative_to(source).with_suffix("").as_posix()
    return found


class Diagram(nodes.General, nodes.Element):
    """A diagram in Mermaid's language (``source``), which is drawn in ``file``."""


class MermaidDirective(SphinxDirective):
    """A fenced block ``mermaid``, which GitHub draws by itself."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        """Return the diagram; draw it if its text has changed since it was drawn last, which takes some seconds."""
        source = "\n".join(self.content)
        file = diagram_file(Path(self.env.srcdir), source)
        if not file.exists():
            import mermaidx

            logging.getLogger(__name__).info("drawing %s; commit it, and remove those of texts that are gone", file.name)
            config = {"htmlLabels": False, "flowchart": {"htmlLabels": False}, "fontFamily": "sans-serif"}
            file.parent.mkdir(exist_ok=True)
            file.write_text(mermaidx.render(source, theme="neutral", config=config).svg(), encoding="utf-8")
        return [Diagram(source=source, file=file)]


def diagram_file(docs: Path, source: str) -> Path:
    """Return where a diagram with this text is drawn."""
    return docs / "diagrams" / f"{hashlib.sha256(source.encode()).hexdigest()[:16]}.svg"


def write_diagram(translator: Any, node: Diagram) -> None:
    """Write the diagram, and its text for who cannot see it."""
    file, kind = node["file"], "Sequence diagram" if node["source"].startswith("sequenceDiagram") else "Flow chart"
    images = Path(translator.builder.outdir) / translator.builder.imagedir
    images.mkdir(exist_ok=True)
    drawn = file.read_text(encoding="utf-8")
    (images / file.name).write_text(drawn, encoding="utf-8")
    width, height = re.search(r'viewBox="\S+ \S+ (\S+) (\S+)"', drawn).groups()  # type: ignore[union-attr]
    translator.body.append(
        f'<div class="diagram" tabindex="0" role="group" aria-label="{kind}"><img src="{translator.builder.imgpath}/{file.name}" '
        f'width="{float(width):.0f}" height="{float(height):.0f}" alt="{kind}; its text follows."></div>\n'
        f'<details class="diagram-text"><summary>{kind} as text</summary>'
        f'<pre tabindex="0">{translator.encode(node["source"])}</pre></details>\n'
    )
    raise nodes.SkipNode


def write_formula(translator: Any, node: nodes.Element) -> None:
    """Write a formula as MathML, which every browser draws by itself: the default would load MathJax from another host."""
    from docutils.utils.math import MathError
    from docutils.utils.math.latex2mathml import tex2mathml

    block = isinstance(node, nodes.math_block)
    try:
        drawn = tex2mathml(_SIZES.sub("", node.astext()), as_block=block)
    except MathError as error:
        logging.getLogger(__name__).warning("formula %r: %s", node.astext(), error, location=node)
        drawn = translator.encode(node.astext())
    translator.body.append(f'<div class="math" tabindex="0">{drawn}</div>\n' if block else drawn)
    raise nodes.SkipNode


def read_aloud(_app: Sphinx, _page: str, _template: str, context: dict[str, Any], _doctree: Any) -> None:
    """Name what has no words for who hears the page: a fold of the navigation; an empty corner of a table is no heading."""
    if "body" in context:
        context["body"] = _EMPTY_HEADING.sub("<td></td>", context["body"])
    if navigation := context.get("generate_toctree_html"):
        nameless, named = "<summary><span", '<summary aria-label="Pages below"><span'
        context["generate_toctree_html"] = lambda *args, **options: str(navigation(*args, **options)).replace(nameless, named)


class CommandsDirective(SphinxDirective):
    """Every command of ``portage`` with its arguments and options, as Typer describes them."""

    def run(self) -> list[nodes.Node]:
        """Return a section for each command."""
        self.env.note_reread()  # what it is made of is no page
        holder = nodes.container()
        holder.document = self.state.document
        self.state.nested_parse(commands_page().splitlines(), 0, holder, match_titles=True)
        return list(holder.children)


def commands_page() -> str:
    """Return Markdown with a heading of the second level for each command."""
    import typer
    from typer.cli import get_docs_for_click
    from typer.main import get_command

    from federates.cli.app import app

    portage = get_command(app)
    context = typer.Context(portage, info_name="portage")
    commands = portage.commands.values()  # type: ignore[attr-defined]
    made = [get_docs_for_click(obj=command, ctx=context, indent=1, call_prefix="portage") for command in commands]
    return "\n".join(made).replace("```console\n$ ", "```text\n")


def describe_fields(_app: Sphinx, _what: str, _name: str, _thing: Any, _options: Any, lines: list[str]) -> None:
    """Read ``name : words`` of a docstring as name and description: the types stand in the signature."""
    text = re.sub(r"^([\w, ]+) : (.+)$", r"\1\n    \2", "\n".join(lines), flags=re.MULTILINE)
    lines[:] = text.split("\n")


def setup(app: Sphinx) -> dict[str, bool]:
    """Add all of it to Sphinx."""
    app.connect("source-read", read_page)
    app.connect("html-page-context", read_aloud, priority=900)  # after the theme's own
    app.connect("autodoc-process-docstring", describe_fields, priority=400)
    app.add_transform(LinksOutOfDocs)
    app.add_node(Diagram, html=(write_diagram, None))
    app.add_html_math_renderer("mathml", (write_formula, None), (write_formula, None))
    app.add_directive("mermaid", MermaidDirective)
    app.add_directive("portage-commands", CommandsDirective)
    return {"parallel_read_safe": True, "parallel_write_safe": True}

"""The stack, each part used by its public face: an import alone says little about compiled parts.

All parts in one process of the running server's container; what fails is named.
"""

import json

import pytest

from jhub_testing.kernel import Kernel
from jhub_testing.subject import Subject

FRAME = "import pandas as pd; frame = pd.DataFrame({'x': [1, 2], 'y': [3.0, 4.5], 's': ['a', 'b']})"

USES = {
    # Arrays, statistics, learning, mathematics, images.
    "bottleneck": "import bottleneck; assert bottleneck.nanmean([1, 3]) == 2",
    "cython": "import cython; assert not cython.compiled",
    "networkx": "import networkx as n; assert n.shortest_path(n.path_graph(3), 0, 2) == [0, 1, 2]",
    "numba": "import numba; assert numba.njit(lambda x: x * 2)(21) == 42",
    "numexpr": "import numexpr; x = 21; assert numexpr.evaluate('x * 2') == 42",
    "patsy": "import patsy; assert patsy.dmatrix('x', frame).shape == (2, 2)",
    "pytables": "frame.to_hdf('t.h5', key='f'); assert len(pd.read_hdf('t.h5', 'f')) == 2",
    "scikit-image": "import skimage.filters, numpy as n; skimage.filters.sobel(n.eye(5))",
    "scikit-learn": (
        "from sklearn.linear_model import LinearRegression as L;"
        " assert abs(L().fit(frame[['x']], frame['y']).coef_[0] - 1.5) < 1e-9"
    ),
    "scipy": "import scipy.optimize as o; assert abs(o.brentq(lambda x: x - 2, 0, 5) - 2) < 1e-9",
    "statsmodels": (
        "import statsmodels.formula.api as f;"
        " assert abs(f.ols('y ~ x', frame).fit().params['x'] - 1.5) < 1e-9"
    ),
    "sympy": "import sympy as s; x = s.Symbol('x'); assert s.integrate(2 * x, x) == x**2",
    "xarray": "assert float(frame.set_index('s').to_xarray()['y'].sum()) == 7.5",
    # Figures, kept as files; plotly's needs the image's browser.
    "altair": "import altair as a; a.Chart(frame).mark_bar().encode(x='x').save('a.png')",
    "altair as a widget": "import altair as a; a.JupyterChart(a.Chart(frame).mark_bar())",
    "bokeh": (
        "from bokeh.plotting import figure, output_file, save; f = figure(); f.line([1], [3]);"
        " output_file('b.html', mode='inline'); save(f); import subprocess;"
        " subprocess.run('chromium-headless-shell --no-sandbox --screenshot=b.png b.html'.split());"
        " import PIL.Image as i; assert len(set(i.open('b.png').convert('RGB').getdata())) > 2"
    ),
    "ipympl": "import ipympl.backend_nbagg as b; assert b.Canvas",
    "matplotlib": "import matplotlib.pyplot as p; p.plot([1, 2]); p.savefig('m.pdf')",
    "matplotlib films": (
        "import matplotlib.animation as m; f, x = p.subplots(); l, = x.plot([0, 1]);"
        " m.FuncAnimation(f, lambda i: l.set_ydata([0, i]), frames=3).save('m.mp4')"
    ),
    "graphviz": "import graphviz as g; g.Source('digraph {a -> b}').render('g', format='png')",
    "dask's graphs": "import dask; dask.delayed(int)(1).visualize('d.svg')",
    "plotly": "import plotly.express as p; p.line(frame, 'x', 'y').write_image('p.png')",
    "plotly as a widget": "import plotly.graph_objects as g; g.FigureWidget()",
    "seaborn": "import seaborn as s; s.lineplot(frame, x='x', y='y').figure.savefig('s.svg')",
    # What pandas and polars read and write.
    "pandas excel": "frame.to_excel('e.xlsx'); assert len(pd.read_excel('e.xlsx')) == 2",
    "pandas calamine": "assert len(pd.read_excel('e.xlsx', engine='calamine')) == 2",
    "pandas xlsxwriter": "frame.to_excel('x.xlsx', engine='xlsxwriter')",
    "pandas html": (
        "import io; assert len(pd.read_html(io.StringIO(frame.to_html()), flavor='bs4')[0]) == 2"
    ),
    "pandas xml": "frame.to_xml('x.xml'); assert len(pd.read_xml('x.xml')) == 2",
    "pandas parquet": "frame.to_parquet('p.pq'); assert len(pd.read_parquet('p.pq')) == 2",
    "pandas feather": "frame.to_feather('f.fe'); assert len(pd.read_feather('f.fe')) == 2",
    "pandas stata": "frame.to_stata('s.dta'); assert len(pd.read_stata('s.dta')) == 2",
    "pandas spss": (
        "import pyreadstat; pyreadstat.write_sav(frame, 's.sav');"
        " assert len(pd.read_spss('s.sav')) == 2"
    ),
    "pandas markdown": "assert '|' in frame.to_markdown()",
    "pandas zstd": "frame.to_csv('c.csv.zst'); assert len(pd.read_csv('c.csv.zst')) == 2",
    "pandas style": "assert '<table' in frame.style.to_html()",
    "xlrd, pyxlsb": "import xlrd, pyxlsb; assert xlrd.open_workbook and pyxlsb.open_workbook",
    "polars": "import polars as l; assert l.read_parquet('p.pq')['x'].sum() == 3",
    "polars excel": "l.from_pandas(frame).write_excel('l.xlsx'); l.read_excel('l.xlsx')",
    "pyarrow": (
        "import pyarrow.dataset as d; assert d.dataset('p.pq').count_rows() == 2;"
        " import pyarrow.csv, pyarrow.json, pyarrow.orc, pyarrow.flight"
    ),
    "h5py": "import h5py; h5py.File('h.h5', 'w')['x'] = [1, 2]",
    # Databases, object storage: as far as one gets with nobody there.
    "duckdb": "import duckdb; assert duckdb.sql('select sum(x) from frame').fetchone() == (3,)",
    "duckdb parquet": "assert duckdb.read_parquet('p.pq').fetchall()",
    "sqlite": (
        "import sqlalchemy as q; frame.to_sql('f', e := q.create_engine('sqlite:///f.db'));"
        " assert len(pd.read_sql('f', e)) == 2"
    ),
    "adbc": (
        "import adbc_driver_sqlite.dbapi as d; c = d.connect('f.db');"
        " assert len(pd.read_sql('f', c)) == 2; import adbc_driver_postgresql.dbapi"
    ),
    "psycopg": "import psycopg; refused(psycopg.OperationalError, psycopg.connect, NOBODY)",
    "pandas psycopg": (
        "refused(q.exc.OperationalError, pd.read_sql, 'f', 'postgresql+psycopg' + URL)"
    ),
    "pymysql": "refused(q.exc.OperationalError, pd.read_sql, 'f', 'mysql+pymysql' + URL)",
    "pyodbc": (
        "import pyodbc; assert {'PostgreSQL Unicode', 'FreeTDS'} <= set(pyodbc.drivers());"
        " refused(pyodbc.Error, pyodbc.connect, 'DRIVER={FreeTDS};SERVER=127.0.0.1;PORT=9')"
    ),
    "boto3": "import boto3; boto3.client('s3', region_name='eu-central-1').meta.events",
    "s3fs": "import fsspec; assert fsspec.filesystem('s3', anon=True).protocol",
    # Parallel work, and what goes along.
    "dask": "import dask.dataframe as k; assert k.from_pandas(frame, 2).x.sum().compute() == 3",
    "dask gateway": "import dask_gateway as d; d.Gateway('http://dask-gateway', auth='basic')",
    "dask array": "import dask.array as y; assert y.ones((9, 9), chunks=3).sum().compute() == 81",
    "distributed": (
        "from dask.distributed import Client;"
        " c = Client(processes=False, dashboard_address=None);"
        " assert c.submit(lambda x: x * 2, 21).result() == 42; c.close()"
    ),
    "joblib": "import joblib as j; assert j.Parallel(2)([j.delayed(abs)(-1)]) == [1]",
    "cloudpickle, dill": "import cloudpickle as c, dill; assert dill.loads(c.dumps(abs)) is abs",
    "protobuf": "from google.protobuf.struct_pb2 import Struct; Struct().update({'a': 1})",
    "tqdm": "from tqdm.auto import tqdm; assert sum(tqdm(range(3), disable=True)) == 3",
    "beautifulsoup4": "from bs4 import BeautifulSoup as B; assert B('<p>a', 'html5lib').p.text",
    "ipywidgets, anywidget": "import ipywidgets, anywidget; ipywidgets.IntSlider(value=3)",
}

PROGRAM = """
import json, sys, tempfile, os, warnings, logging
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)
os.chdir(tempfile.mkdtemp())
failed, scope = {}, {"NOBODY": "host=127.0.0.1 port=9", "URL": "://u:p@127.0.0.1:9/d"}
def refused(kind, call, *arguments):
    try:
        call(*arguments)
    except kind:
        return
    raise AssertionError("somebody answered")
scope["refused"] = refused
if __name__ == "__main__":
    uses = json.loads(sys.argv[1])
    exec(uses.pop("frame"), scope)
    for name, use in uses.items():
        try:
            exec(use, scope)
        except BaseException as error:
            failed[name] = f"{type(error).__name__}: {error}"[:300]
    print("FAILED", json.dumps(failed))
"""


@pytest.fixture(scope="module")
def failed(subject: Subject) -> dict[str, str]:
    """What failed, and why."""
    uses = json.dumps({"frame": FRAME, **USES})
    said = subject.server.run([f"{subject.environment}/bin/python", "-c", PROGRAM, uses])
    found: dict[str, str] = json.loads(said.rpartition("FAILED ")[2].splitlines()[0])
    return found


def test_every_part_is_of_use(failed: dict[str, str]) -> None:
    assert not failed


FIGURE = "import matplotlib.pyplot as plt; plt.plot([1, 2]); plt.show()"


def test_a_figure_is_shown_where_it_can_be_and_else_it_is_said(subject: Subject) -> None:
    with Kernel(subject.server.client) as kernel:
        assert "there is no display" not in kernel.execute(FIGURE)
        assert "image/png" in kernel.shown[-1]
    for python in ("/opt/venv/bin/python", '"$JHUB_PACKAGES/bin/python"'):
        said = subject.server.run(["bash", "-ic", f"{python} -W error -c '{FIGURE}' 2>&1"])
        assert 'plt.savefig("figure.png") writes the figure to a file' in said, said


LETTERS = """
import matplotlib, warnings
matplotlib.use("agg")
import matplotlib.pyplot as plt
warnings.simplefilter("error")
plt.title("温度 기온 온도 かな हिन्दी العربية עברית Ω ж ü")
plt.savefig("/tmp/letters.png")
"""


def test_a_title_in_any_of_the_usual_scripts_has_no_boxes(subject: Subject) -> None:
    """matplotlib warns of every letter that no font of its list has."""
    subject.server.run([f"{subject.environment}/bin/python", "-c", LETTERS])

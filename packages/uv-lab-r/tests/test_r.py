"""R as people use it: in a notebook, in a terminal, and with packages of their own."""

import json

from jhub_testing.kernel import Kernel
from jhub_testing.subject import Subject

PLOT = "ggplot(mtcars, aes(wt, mpg)) + geom_point() + ggtitle('温度 ü')"

PACKAGE = """
mkdir -p /tmp/ours/R /tmp/ours/src
cd /tmp/ours
printf 'Package: ours\\nVersion: 1.0\\nTitle: Ours\\nDescription: Ours.\\nLicense: GPL-3\\n' \
    >DESCRIPTION
printf 'useDynLib(ours, c_twice)\\nimportFrom(Rcpp, evalCpp)\\nexport(twice)\\n' >NAMESPACE
echo 'twice <- function(x) .Call(c_twice, x)' >R/twice.R
printf 'PKG_LIBS = $(LAPACK_LIBS) $(BLAS_LIBS) $(FLIBS)\\n' >src/Makevars
cat >src/twice.cpp <<'END'
#include <Rcpp.h>
extern "C" SEXP c_twice(SEXP x) { return Rcpp::wrap(2 * Rcpp::as<double>(x)); }
END
printf 'LinkingTo: Rcpp\\nImports: Rcpp\\n' >>DESCRIPTION
"""
"""What most packages of CRAN need to be installed: a compiler, Rcpp and LAPACK."""

REPORT = """
cd
printf '# A report\\n\\n```{r}\\nplot(21 * 2)\\n```\\n' >report.Rmd
Rscript -e 'rmarkdown::render("report.Rmd", quiet = TRUE)' 2>&1
grep -c 'src="data:image/png' report.html
"""


def test_a_notebook_of_the_tidyverse_shows_its_figures(subject: Subject) -> None:
    with Kernel(subject.server.client, "ir") as kernel:
        kernel.execute("suppressPackageStartupMessages(library(tidyverse))")
        mean = "mtcars |> group_by(cyl) |> summarise(n = n()) |> pull(n) |> max() |> cat()"
        assert kernel.execute(mean) == "14"
        kernel.execute(PLOT)
        assert "image/png" in kernel.shown[-1], f"no figure: {[*kernel.shown[-1]]}"
        cpus = "cat(getOption('mc.cores'), data.table::getDTthreads(), extSoftVersion()['BLAS'])"
        said = kernel.execute(cpus)
        assert "openblas" in said, said


def test_a_package_is_compiled_into_the_home_and_stays(subject: Subject) -> None:
    server = subject.server
    server.run(["sh", "-euc", PACKAGE])
    with Kernel(server.client, "ir") as kernel:
        kernel.execute("install.packages('/tmp/ours', repos = NULL)")
    assert server.run(["sh", "-c", "cd; Rscript -e 'cat(ours::twice(21))'"]) == "42"
    assert server.run(["sh", "-c", "ls -d ~/R/*/*/ours"]).startswith("/home/nebula/R/")


def test_a_report_is_made_in_a_terminal(subject: Subject) -> None:
    said = subject.server.run(["sh", "-euc", REPORT])
    assert said.splitlines()[-1] == "1", said


def test_the_menu_offers_the_formats_that_work(subject: Subject) -> None:
    client = subject.server.client
    offered = set(client.get("api/nbconvert").json())
    assert offered >= {"html", "latex", "rst"}
    assert not offered & {"pdf", "qtpdf", "qtpng", "webpdf"}
    cell = {"cell_type": "markdown", "source": "# Größe", "metadata": {}}
    notebook = {"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    body = json.dumps({"type": "notebook", "content": notebook})
    assert client.put("api/contents/paper.ipynb", data=body).ok
    answer = client.get("nbconvert/rst/paper.ipynb")
    assert (answer.status_code, "Größe\n=====" in answer.text) == (200, True), answer.text

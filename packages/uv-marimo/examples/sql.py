"""SQL over a data frame with DuckDB; the result is a data frame again."""

# Cells import for each other.
# ruff: noqa: PLC0415

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import marimo as mo
    import polars as pl

    return mo, pl


@app.cell
def _(pl):
    sales = pl.DataFrame(
        {
            "city": ["Bern", "Genova", "Porto", "Bern", "Porto"],
            "amount": [120, 80, 200, 40, 60],
        }
    )
    return (sales,)


@app.cell
def _(mo, sales):
    totals = mo.sql(
        """
        SELECT city, sum(amount) AS amount FROM sales GROUP BY city ORDER BY amount DESC
        """
    )
    return (totals,)


@app.cell
def _(mo, totals):
    mo.md(f"The most was sold in **{totals['city'][0]}**.")


if __name__ == "__main__":
    app.run()

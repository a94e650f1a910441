"""A slider, a data frame and two charts that follow it."""

# The last expression of a cell is what it shows, and cells import for each other.
# ruff: noqa: B018, PLC0415

import marimo

app = marimo.App(width="medium")


@app.cell
def _():
    import altair as alt
    import marimo as mo
    import numpy as np
    import plotly.express as px
    import polars as pl

    return alt, mo, np, pl, px


@app.cell
def _(mo):
    frequency = mo.ui.slider(1, 10, value=3, label="frequency")
    frequency
    return (frequency,)


@app.cell
def _(frequency, np, pl):
    time = np.linspace(0, 1, 200)
    wave = pl.DataFrame({"time": time, "value": np.sin(2 * np.pi * frequency.value * time)})
    return (wave,)


@app.cell
def _(alt, wave):
    alt.Chart(wave).mark_line().encode(x="time", y="value")


@app.cell
def _(px, wave):
    px.scatter(wave, x="time", y="value")


if __name__ == "__main__":
    app.run()

"""Entry point for the WebUI: registers our Script classes and callbacks, nothing else."""

from tag_atelier import app

PanelScript, BenchmarkScript = app.scripts()
app.register()

"""Entry point for the WebUI: registers our Script classes and callbacks, nothing else."""

try:
    from tag_atelier import app
except ImportError as error:  # another WebUI, which lacks what we use
    from tag_atelier.host.webui import only_tab
    from tag_atelier.ui import cannot_run

    only_tab.register(cannot_run.builder(error))
else:
    PanelScript, BenchmarkScript = app.scripts()
    app.register()

"""The page: one file per tab and per panel. The only importer of gradio."""

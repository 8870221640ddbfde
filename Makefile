# One command each on a fresh machine: Python 3.10-3.13, make and a package index. What they do is written in Python
# (noxfile.py, tag_atelier/cli/), so that Windows, which has no make, loses nothing: see README.md.

PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.10 python3.13; do \
	$$p -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
RUN := $(VENV)/bin/python
INSTALLED := $(VENV)/.installed

.PHONY: demo serve test test-webui clean

demo: $(INSTALLED)  ## the main job on miniature checkpoints: prompt, benchmark, merge, benchmark; writes demo/out/report.html
	$(RUN) -m tag_atelier demo

serve: $(INSTALLED)  ## the page without a WebUI
	$(RUN) -m tag_atelier serve

test: $(INSTALLED)  ## everything but the real WebUI
	$(RUN) -m nox

test-webui: $(INSTALLED)  ## the real WebUI in SD_WEBUI_DIR, ~/stable-diffusion-webui or ~/stable-diffusion-webui-forge
	$(RUN) -m nox -s webui

$(INSTALLED): pyproject.toml
	@test -n "$(PYTHON)" || { echo "Found no Python 3.10 to 3.13; install one or say make PYTHON=/path/to/python."; exit 1; }
	test -x $(RUN) || $(PYTHON) -m venv $(VENV)
	$(RUN) -m pip install --disable-pip-version-check $(if $(CI),--quiet) -e ".[embedded,tune,dev]"
	touch $@

clean:
	rm -rf $(VENV) .nox demo/out build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

"""Our own host on diffusers: no WebUI needed. The only importer of diffusers and transformers."""

"""The running WebUI (A1111 1.10.1, reForge, Forge). The only importer of ``modules.*``."""

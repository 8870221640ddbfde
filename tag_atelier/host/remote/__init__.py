"""A WebUI (or our embedded server) on another machine, over ``/sdapi/v1``."""

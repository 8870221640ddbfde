"""Start, progress, cancel and resume of long work, for page, API and command line alike."""

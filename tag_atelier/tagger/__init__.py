"""Implements the Scorer port with onnxruntime. The only importer of onnxruntime."""

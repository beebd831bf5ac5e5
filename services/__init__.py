"""What is the same on every channel."""

import os

# onnxruntime writes a device id and a log under the user's ~/.cache as soon as it is imported, unless this is set
# before: nothing is written outside DATA_DIR and MODELS_DIR, and nothing is told to anybody.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

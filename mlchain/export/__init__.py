"""A trained model in forms that others can use: arrays with an estimator of one file, and ONNX."""

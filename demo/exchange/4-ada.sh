# Ada compares the two manifests, and the weights from R with her manifest.
cmp manifest.json bea.json && echo "the same bytes"
pyinit verify manifest.json weights.safetensors

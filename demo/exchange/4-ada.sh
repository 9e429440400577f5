# Ada compares: the two manifests, and the weights that came from R with hers.
cmp manifest.json bea.json && echo "the same bytes"
pyinit verify manifest.json weights.safetensors

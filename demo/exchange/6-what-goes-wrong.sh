# Years later, somebody has a manifest of another version of the stream.
sed 's/"stream_version": 1/"stream_version": 2/' manifest.json > later.json
pyinit verify later.json

# Somebody has put another seed into the manifest, and left the fingerprint as it was.
sed 's/"class_name": "HeNormal", "config": {"seed": "[0-9]*"}/"class_name": "HeNormal", "config": {"seed": 1}/' manifest.json > forged.json
pyinit verify forged.json

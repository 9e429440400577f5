# Years later: a manifest for another version of the stream.
sed 's/"stream_version": 1/"stream_version": 2/' manifest.json > later.json
pyinit verify later.json

# A forged manifest: another seed, but the same fingerprint.
sed 's/"class_name": "HeNormal", "config": {"seed": "[0-9]*"}/"class_name": "HeNormal", "config": {"seed": 1}/' manifest.json > forged.json
pyinit verify forged.json

# Ada works in Python. She builds a model and records its initial weights in a manifest.

import csv

import keras
import numpy as np

import pyinit.keras

model = keras.Sequential(
    [
        keras.Input((4,)),
        keras.layers.Dense(16, "relu", kernel_initializer=pyinit.HeNormal(), name="hidden"),
        keras.layers.Dense(3, kernel_initializer=pyinit.GlorotUniform(), name="species"),
    ]
)
pyinit.keras.initialize(model, seed=42)
manifest = pyinit.create_manifest(model, seed=42)
manifest
pyinit.write_manifest(manifest, "manifest.json")

# The loss before training. Bea should get the same.
with open("iris.csv") as file:
    rows = list(csv.reader(file))[1:]
x = np.array([row[:4] for row in rows], "float32")
species = np.unique([row[4] for row in rows], return_inverse=True)[1]
scores = keras.ops.convert_to_numpy(model(x)).astype("float64")
chances = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
print("loss", round(float(-np.log(chances[np.arange(len(x)), species]).mean()), 5))

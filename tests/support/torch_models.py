"""Models for tests of parts of models."""

import torch
from torch import nn


class Block(nn.Module):
    """A layer of the model."""

    def __init__(self):
        super().__init__()
        self.attention = nn.MultiheadAttention(4, 2, batch_first=True)
        self.norm = nn.LayerNorm(4)
        self.linear = nn.Linear(4, 4)

    def forward(self, x):
        """Apply the layer."""
        return self.linear(self.norm(x + self.attention(x, x, x, need_weights=False)[0]))


class Model(nn.Module):
    """A model with a buffer and statistics, whose head has the weight of the embedding."""

    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(10, 4, padding_idx=3)
        self.layers = nn.ModuleList([Block() for _ in range(4)])
        self.norm = nn.BatchNorm1d(4)
        self.head = nn.Linear(4, 10, bias=False)
        self.head.weight = self.embedding.weight
        self.register_buffer("scale", torch.ones(4))

    def forward(self, x):
        """Apply the model."""
        x = self.embedding(x) * self.scale
        for layer in self.layers:
            x = layer(x)
        return self.head(self.norm(x.transpose(1, 2)).transpose(1, 2))


def on_meta(make=Model):
    """Return a module on the meta device."""
    with torch.device("meta"):
        return make()

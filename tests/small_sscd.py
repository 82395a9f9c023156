"""A network with the parts of SSCD, small and of random weights; needs torch."""

import torch


class SmallSSCD(torch.nn.Module):  # type: ignore[misc]  # torch is not there for the checks
    """Normalised floats, shape (N, 3, H, W), to vectors of unit length, shape (N, D).

    As in SSCD: convolutions with batch normalisation, generalised mean pooling with power 3, a
    linear layer and a division by the length (sscd/models in Meta's repository).
    """

    def __init__(self, dimensions: int = 512) -> None:
        super().__init__()
        self.trunk = torch.nn.Sequential(
            torch.nn.Conv2d(3, 32, 7, stride=4),
            torch.nn.BatchNorm2d(32),
            torch.nn.ReLU(),
            torch.nn.Conv2d(32, 64, 3, stride=2),
            torch.nn.ReLU(),
        )
        self.head = torch.nn.Linear(64, dimensions)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.trunk(image)
        n, channels, height, width = features.size()
        flat = features.reshape(n, channels, height * width)
        pooled = flat.clamp(min=1e-6).pow(3.0).mean(dim=2).pow(1 / 3)
        return torch.nn.functional.normalize(self.head(pooled))


def save(path: str, dimensions: int = 512) -> None:
    """Write the TorchScript file of such a network; the same each time."""
    torch.manual_seed(0)
    torch.jit.script(SmallSSCD(dimensions).eval()).save(path)

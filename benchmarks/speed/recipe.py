"""The peer: the public ViT-CIFAR recipe, rebuilt from its published description.

Its parts: separate q, k and v, attention by einsum, every block computes every token, a GELU after
both MLP matrices, Adam with L2, fp32; its data: PIL images, torchvision's transforms one image at a
time, a DataLoader with worker processes. Nothing of ours is in it but the sizes.
"""

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

WIDTH, HEADS, DEPTH, PATCH, SIDE = 384, 12, 7, 4, 32
TOKENS = (SIDE // PATCH) ** 2 + 1


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH) for _ in range(4))

    def forward(self, x: Tensor) -> Tensor:
        batch, tokens, _ = x.shape
        q, k, v = (
            matrix(x).view(batch, tokens, HEADS, WIDTH // HEADS).transpose(1, 2)
            for matrix in (self.q, self.k, self.v)
        )
        shares = F.softmax(torch.einsum("bhie,bhje->bhij", q, k) / WIDTH**0.5, dim=-1)
        return self.o(torch.einsum("bhij,bhje->bihe", shares, v).flatten(2))


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.attention = Attention()
        self.mlp = nn.Sequential(
            nn.Linear(WIDTH, WIDTH), nn.GELU(), nn.Linear(WIDTH, WIDTH), nn.GELU()
        )

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm1(x))
        return x + self.mlp(self.norm2(x))


class RecipeViT(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Linear(3 * PATCH**2, WIDTH)
        self.token = nn.Parameter(torch.randn(1, 1, WIDTH))
        self.positions = nn.Parameter(torch.randn(1, TOKENS, WIDTH))
        self.blocks = nn.Sequential(*(Block() for _ in range(DEPTH)))
        self.head = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, 10))

    def forward(self, images: Tensor) -> Tensor:
        squares = images.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH).permute(0, 2, 3, 4, 5, 1)
        x = self.embed(squares.reshape(len(images), TOKENS - 1, -1))
        x = torch.cat([self.token.expand(len(images), -1, -1), x], dim=1) + self.positions
        return self.head(self.blocks(x)[:, 0])


class Images(Dataset[tuple[Tensor, int]]):
    """Bytes as torchvision's CIFAR-10 holds them, an image at a time through its transforms."""

    def __init__(self, images: Tensor, labels: Tensor):
        self.images, self.labels = images.permute(0, 2, 3, 1).numpy(), labels.tolist()
        self.vary = transforms.Compose(
            [
                transforms.RandomCrop(SIDE, padding=4),
                transforms.RandomHorizontalFlip(),
                transforms.AutoAugment(transforms.AutoAugmentPolicy.CIFAR10),
                transforms.ToTensor(),
                transforms.Normalize((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
            ]
        )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.vary(Image.fromarray(self.images[index])), self.labels[index]


def loader(images: Tensor, labels: Tensor, batch: int, workers: int) -> DataLoader:
    """Its workers stay from one epoch to the next: starting them is no part of an epoch."""
    given, stay = Images(images, labels), workers > 0
    return DataLoader(given, batch, shuffle=True, num_workers=workers, persistent_workers=stay)


def step(model: RecipeViT, adam: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> None:
    loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
    adam.zero_grad()
    loss.backward()
    adam.step()
    loss.item()

"""What others would use: timm's ViT of the same shape, a plain loop, a DataLoader."""

import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from vitprune_core.engine.data import Part
from vitprune_core.spec.config import Config
from vitprune_core.spec.datasets import DATASETS


def vit(config: Config) -> nn.Module:
    """timm's, in fp32: fused attention, every token in every block."""
    from timm.models.vision_transformer import VisionTransformer

    facts, model = DATASETS[config.data.name], config.model
    return VisionTransformer(
        img_size=facts.side,
        patch_size=model.patch,
        in_chans=facts.channels,
        num_classes=facts.classes,
        embed_dim=model.width,
        depth=model.depth,
        num_heads=model.heads,
        mlp_ratio=model.mlp / model.width,
    )


class Images(Dataset[tuple[Tensor, int]]):
    """Bytes as torchvision's datasets hold them, each made a tensor and scaled when asked for."""

    def __init__(self, part: Part):
        self.images = part.images.permute(0, 2, 3, 1).squeeze(-1).numpy()
        self.labels, channels = part.labels.tolist(), part.images.shape[1]
        scale = transforms.Normalize((0.5,) * channels, (0.5,) * channels)
        self.make = transforms.Compose([transforms.ToTensor(), scale])

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        return self.make(Image.fromarray(self.images[index])), self.labels[index]


def loader(images: Images, batch: int, workers: int) -> DataLoader:
    """Its workers stay from one epoch to the next: starting them is no part of an epoch."""
    return DataLoader(
        images, batch, shuffle=True, num_workers=workers, persistent_workers=workers > 0
    )


def step(model: nn.Module, adam: torch.optim.Optimizer, images: Tensor, labels: Tensor) -> float:
    loss = F.cross_entropy(model(images), labels, label_smoothing=0.1)
    adam.zero_grad()
    loss.backward()
    adam.step()
    return loss.item()


@torch.no_grad()
def accuracy(model: nn.Module, given: DataLoader) -> float:
    model.eval()
    right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in given)
    model.train()
    return right / len(given.dataset)

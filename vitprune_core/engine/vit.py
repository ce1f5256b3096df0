"""A small Vision Transformer (Dosovitskiy et al. 2021, arXiv:2010.11929), all in this file.

Pre-norm blocks, learned positions, a class token read after a final norm, biases everywhere.
q, k, v and o are matrices of their own, so that a parameter's name is a prunable matrix's name.

Shapes   B batch · N tokens · R tokens read · W model width · H heads · E head width · P matrices
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from vitprune_core.engine.seeds import generator
from vitprune_core.spec import shape
from vitprune_core.spec.config import Config, DataConfig, ModelConfig
from vitprune_core.spec.datasets import DATASETS

INIT_STD = 0.02
EVERY, TOKEN = slice(None), slice(0, 1)
"""Which tokens of a block's output are read: all, or the class token, which stands first."""


class ViT(nn.Module):
    mean: Tensor
    std: Tensor

    def __init__(self, model: ModelConfig, data: DataConfig, precision: str = "fp32"):
        super().__init__()
        facts = DATASETS[data.name]
        self.patch, self.precision = model.patch, precision
        self.register_buffer("mean", by_channel(facts.mean), persistent=False)
        self.register_buffer("std", by_channel(facts.std), persistent=False)
        self.embed = nn.Linear(facts.channels * model.patch**2, model.width)
        self.token = nn.Parameter(torch.zeros(1, 1, model.width))
        self.positions = nn.Parameter(torch.zeros(1, shape.tokens(model, data), model.width))
        self.blocks = nn.ModuleList(Block(model) for _ in range(model.depth))
        self.norm = nn.LayerNorm(model.width)
        self.classifier = nn.Linear(model.width, facts.classes)

    def forward(self, images_BCYX: Tensor) -> Tensor:
        """Logits in fp32, shape (B, classes), of pixels as they are stored."""
        scaled_BCYX = (images_BCYX - self.mean) / self.std
        half = self.precision == "bf16"
        with torch.autocast(images_BCYX.device.type, torch.bfloat16, enabled=half):
            token_BW = self.token_after(scaled_BCYX)
        return self.classifier(self.norm(token_BW.float()))

    def token_after(self, scaled_BCYX: Tensor) -> Tensor:
        """The class token after all blocks, shape (B, W)."""
        patches_BNW = self.embed(patches(scaled_BCYX, self.patch))
        token_B1W = self.token.expand(len(patches_BNW), -1, -1)
        x_BNW = torch.cat([token_B1W, patches_BNW], dim=1) + self.positions
        *blocks, last = self.blocks
        for block in blocks:
            x_BNW = block(x_BNW)
        x_B1W = last(x_BNW, read=TOKEN)  # nobody reads the last block's other tokens
        return x_B1W[:, 0]


class Block(nn.Module):
    def __init__(self, model: ModelConfig):
        super().__init__()
        self.norm1 = nn.LayerNorm(model.width)
        self.attn = Attention(model.width, model.heads)
        self.norm2 = nn.LayerNorm(model.width)
        self.mlp = Mlp(model.width, model.mlp)

    def forward(self, x_BNW: Tensor, read: slice = EVERY) -> Tensor:
        """The tokens `read` after this block, shape (B, R, W); all tokens are attended to."""
        y_BNW = self.norm1(x_BNW)
        if read == EVERY:
            x_BRW = x_BNW + self.attn(y_BNW, y_BNW)
        else:
            x_BRW = x_BNW[:, read] + self.attn(y_BNW[:, read], y_BNW)
        return x_BRW + self.mlp(self.norm2(x_BRW))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int):
        super().__init__()
        self.heads = heads
        self.q, self.k, self.v, self.o = (nn.Linear(width, width) for _ in range(4))

    def forward(self, x_BRW: Tensor, context_BNW: Tensor) -> Tensor:
        q_BHRE, k_BHNE, v_BHNE = self.projected(x_BRW, context_BNW)
        # Plain products: with few tokens they beat the fused kernel, slow backward on CPUs.
        y_BHRE = (q_BHRE @ k_BHNE.mT).softmax(-1) @ v_BHNE
        return self.o(y_BHRE.transpose(1, 2).flatten(2))

    def projected(self, x_BRW: Tensor, context_BNW: Tensor) -> tuple[Tensor, ...]:
        """q over the root of E, k and v by head; one product for those that share an input.

        Scaling the matrix is cheaper than scaling what comes of it.
        """
        scale = (len(self.q.bias) // self.heads) ** -0.5
        q = self.q.weight * scale, self.q.bias * scale
        k, v = ((matrix.weight, matrix.bias) for matrix in (self.k, self.v))
        if x_BRW is context_BNW:
            return self.by_head(x_BRW, q, k, v)
        return self.by_head(x_BRW, q) + self.by_head(context_BNW, k, v)

    def by_head(self, x_BNW: Tensor, *matrices: tuple[Tensor, Tensor]) -> tuple[Tensor, ...]:
        """What each weight and bias make of the same input, shape (B, H, N, E), in one copy."""
        weight, bias = (torch.cat(each) for each in zip(*matrices, strict=True))
        together_BNPHE = F.linear(x_BNW, weight, bias).unflatten(
            -1, (len(matrices), self.heads, -1)
        )
        return together_BNPHE.permute(2, 0, 3, 1, 4).contiguous().unbind()


class Mlp(nn.Module):
    def __init__(self, width: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(width, hidden)
        self.fc2 = nn.Linear(hidden, width)

    def forward(self, x_BNW: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x_BNW)))


def by_channel(values: tuple[float, ...]) -> Tensor:
    return torch.tensor(values).view(1, -1, 1, 1)


def patches(images_BCYX: Tensor, side: int) -> Tensor:
    """Square patches row by row, shape (B, patches, channels * side * side)."""
    B, C, Y, X = images_BCYX.shape
    tiles = images_BCYX.view(B, C, Y // side, side, X // side, side)
    return tiles.permute(0, 2, 4, 1, 3, 5).reshape(B, -1, C * side * side)


@torch.no_grad()
def initial(config: Config) -> dict[str, Tensor]:
    """The weights that training starts from, by parameter, on the config's device.

    Matrices, positions and class token are truncated normal, biases 0, norms 1. Each parameter has
    a generator of its own, so that none depends on the others' order.
    """
    model = ViT(config.model, config.data)
    weights = {}
    for name, parameter in model.named_parameters():
        if name.endswith("bias"):
            parameter.zero_()
        elif "norm" not in name:
            draw = generator("init", config.seed, name)
            bound = 2 * INIT_STD
            nn.init.trunc_normal_(parameter, std=INIT_STD, a=-bound, b=bound, generator=draw)
        weights[name] = parameter.detach().to(config.device)
    return weights


def compute_with(model: ViT, kernels: str) -> None:
    """Have the model computed by torch's kernels one by one, or by few that are made for it."""
    if kernels == "compiled":
        model.compile(dynamic=False)


def decays(name: str, parameter: Tensor) -> bool:
    """Weight decay is for matrices only: no biases, norms, positions, class token."""
    return name.endswith(".weight") and parameter.ndim == 2

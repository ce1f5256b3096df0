"""Augmentation of a whole batch at once, as bytes on its device: no loop over images, no waiting.

What is random is drawn on the CPU, so every device sees the same draws, and which image gets which
operation is known there without asking the device.

B batch · N its images with one operation in common · C channels · Y rows · X columns · P pixels,
row by row · V the 256 values of a byte · S sub-policies
"""

from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F
from torch import Tensor

from vitprune_core.spec.datasets import AugmentName


def augment(images_BCYX: Tensor, how: AugmentName, draw: torch.Generator) -> Tensor:
    """Square images of bytes, to others of the same shape. `draw` is a generator of the CPU.

    What becomes of an image depends on the batch's size and its place there, not on other images.
    """
    return AUGMENTATIONS[how](images_BCYX, draw)


def none(images_BCYX: Tensor, draw: torch.Generator) -> Tensor:
    return images_BCYX


def crop(images_BCYX: Tensor, draw: torch.Generator) -> Tensor:
    """Moved by up to an eighth of the side, up or down and left or right; zeros come in."""
    return fetched(images_BCYX, *moved(images_BCYX, draw))


def crop_flip(images_BCYX: Tensor, draw: torch.Generator) -> Tensor:
    """Every second image, on average, is mirrored left to right as well."""
    y_B1Y1, x_B11X = moved(images_BCYX, draw)
    mirrored_B111 = sent(torch.rand(len(x_B11X), 1, 1, 1, generator=draw) < 0.5, images_BCYX)
    return fetched(images_BCYX, y_B1Y1, torch.where(mirrored_B111, x_B11X.flip(-1), x_B11X))


def autoaugment(images_BCYX: Tensor, draw: torch.Generator) -> Tensor:
    """crop_flip, then for every image one of the 25 sub-policies for CIFAR-10: arXiv:1805.09501.

    The images have three channels. To the byte what torchvision does to a tensor of one image.
    """
    images_BCYX = crop_flip(images_BCYX, draw)
    for operation_B, amount_B in drawn(len(images_BCYX), draw):
        images_BCYX = applied(images_BCYX, operation_B, amount_B)
    return images_BCYX


def drawn(count: int, draw: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """The two steps: for each image its operation, a row of `OPERATIONS`, and how much of it."""
    chosen_B = torch.randint(len(POLICY), (count,), generator=draw)
    happens_2B = torch.rand(2, count, generator=draw) < CHANCE_2S[:, chosen_B]
    sign_2B = torch.randint(2, (2, count), generator=draw) * 2 - 1
    operation_2B = OPERATION_2S[:, chosen_B] * happens_2B
    amount_2B = AMOUNT_2S[:, chosen_B] * torch.where(SIGNED[operation_2B], sign_2B, 1)
    return zip(operation_2B, amount_2B, strict=True)


def applied(images_BCYX: Tensor, operation_B: Tensor, amount_B: Tensor) -> Tensor:
    """One operation an image: sorted by operation, each done to its stretch, and sorted back."""
    order_B = operation_B.argsort()
    stretches = operation_B.bincount(minlength=len(OPERATIONS)).tolist()
    sorted_BCYX = images_BCYX.index_select(0, sent(order_B, images_BCYX)).split(stretches)
    amount_B111 = sent(amount_B[order_B], images_BCYX).view(-1, 1, 1, 1).split(stretches)
    each = zip(OPERATIONS.values(), sorted_BCYX, amount_B111, strict=True)
    done = [operation(images, amount) for (operation, *_), images, amount in each if len(images)]
    return torch.cat(done).index_select(0, sent(order_B.argsort(), images_BCYX))


def moved(images_BCYX: Tensor, draw: torch.Generator) -> tuple[Tensor, Tensor]:
    """Row and column that each pixel of a crop comes from."""
    y_Y1, x_X = places(images_BCYX)
    most = len(x_X) // 8
    down_right = torch.randint(-most, most + 1, (2, len(images_BCYX), 1, 1, 1), generator=draw)
    down_B111, right_B111 = sent(down_right, images_BCYX)
    return y_Y1 + down_B111, x_X + right_B111


def places(images_NCYX: Tensor) -> tuple[Tensor, Tensor]:
    """Row and column of every pixel, as floats, shapes (Y, 1) and (X,)."""
    place = torch.arange(images_NCYX.shape[-1], device=images_NCYX.device).float()
    return place[:, None], place


def fetched(images_NCYX: Tensor, y_N1YX: Tensor, x_N1YX: Tensor) -> Tensor:
    """For every pixel the value of the one nearest to a place; outside of the image it is 0."""
    side = images_NCYX.shape[-1]
    y_N1YX, x_N1YX = y_N1YX.round().long(), x_N1YX.round().long()
    inside = (y_N1YX >= 0) & (y_N1YX < side) & (x_N1YX >= 0) & (x_N1YX < side)
    source_N1P = torch.where(inside, y_N1YX * side + x_N1YX, side * side).flatten(2)
    pixels_NCP = F.pad(images_NCYX.flatten(2), (0, 1))  # the one more is all that is outside
    source_NCP = source_N1P.expand(-1, pixels_NCP.shape[1], -1)
    return pixels_NCP.gather(2, source_NCP).view_as(images_NCYX)


def sent(numbers: Tensor, like: Tensor) -> Tensor:
    """From the CPU to where `like` is, without waiting for it to arrive."""
    pinned = numbers.pin_memory() if like.is_cuda else numbers
    return pinned.to(like.device, non_blocking=True)


# Every operation takes images_NCYX and one amount an image, and returns new images.


def nothing(images_NCYX: Tensor, _: Tensor) -> Tensor:
    return images_NCYX


def shear_x(images_NCYX: Tensor, slope_N111: Tensor) -> Tensor:
    """Rows slide to the left, the further down the more; the upper edge of the image stays."""
    y_Y1, x_X = places(images_NCYX)
    return fetched(images_NCYX, y_Y1, x_X + slope_N111 * (y_Y1 + 0.5))


def shear_y(images_NCYX: Tensor, slope_N111: Tensor) -> Tensor:
    """Columns slide up, the further right the more; the left edge of the image stays."""
    y_Y1, x_X = places(images_NCYX)
    return fetched(images_NCYX, y_Y1 + slope_N111 * (x_X + 0.5), x_X)


def translate_x(images_NCYX: Tensor, share_N111: Tensor) -> Tensor:
    """To the right by a share of the side, in whole pixels."""
    y_Y1, x_X = places(images_NCYX)
    return fetched(images_NCYX, y_Y1, x_X - (share_N111 * len(x_X)).trunc())


def translate_y(images_NCYX: Tensor, share_N111: Tensor) -> Tensor:
    """Down by a share of the side, in whole pixels."""
    y_Y1, x_X = places(images_NCYX)
    return fetched(images_NCYX, y_Y1 - (share_N111 * len(x_X)).trunc(), x_X)


def rotate(images_NCYX: Tensor, degrees_N111: Tensor) -> Tensor:
    """About the centre, against the clock."""
    y_Y1, x_X = places(images_NCYX)
    centre = (len(x_X) - 1) / 2
    sin_N111, cos_N111 = degrees_N111.deg2rad().sin(), degrees_N111.deg2rad().cos()
    y_N1YX = sin_N111 * (x_X - centre) + cos_N111 * (y_Y1 - centre) + centre
    x_N1YX = cos_N111 * (x_X - centre) - sin_N111 * (y_Y1 - centre) + centre
    return fetched(images_NCYX, y_N1YX, x_N1YX)


def brightness(images_NCYX: Tensor, amount_N111: Tensor) -> Tensor:
    return away(images_NCYX, torch.zeros_like(amount_N111), amount_N111)


def color(images_NCYX: Tensor, amount_N111: Tensor) -> Tensor:
    return away(images_NCYX, gray(images_NCYX), amount_N111)


def contrast(images_NCYX: Tensor, amount_N111: Tensor) -> Tensor:
    mean_N111 = gray(images_NCYX).float().mean((2, 3), keepdim=True)
    return away(images_NCYX, mean_N111, amount_N111)


def sharpness(images_NCYX: Tensor, amount_N111: Tensor) -> Tensor:
    """Away from the mean of the 3 x 3 pixels around, the middle one counted five times."""
    wide_NCYX = images_NCYX.short()
    rows_NCYX = wide_NCYX[..., :-2, :] + wide_NCYX[..., 1:-1, :] + wide_NCYX[..., 2:, :]
    around_NCYX = rows_NCYX[..., :-2] + rows_NCYX[..., 1:-1] + rows_NCYX[..., 2:]
    blurred_NCYX = images_NCYX.float()  # also the border, where some of the nine are missing
    blurred_NCYX[..., 1:-1, 1:-1] = (around_NCYX + 4 * wide_NCYX[..., 1:-1, 1:-1]).div(13).round()
    return away(images_NCYX, blurred_NCYX, amount_N111)


def away(images_NCYX: Tensor, other_NCYX: Tensor, amount_N111: Tensor) -> Tensor:
    """Further from another image by a share of the difference; nearer to it if that is negative."""
    mixed_NCYX = (1 + amount_N111) * images_NCYX - amount_N111 * other_NCYX
    return mixed_NCYX.clamp(0, 255).byte()  # cut off, not rounded: so does torchvision


def gray(images_NCYX: Tensor) -> Tensor:
    red_N1YX, green_N1YX, blue_N1YX = images_NCYX.split(1, 1)
    return (0.2989 * red_N1YX + 0.587 * green_N1YX + 0.114 * blue_N1YX).byte()


def posterize(images_NCYX: Tensor, bits_N111: Tensor) -> Tensor:
    """Only the highest bits are kept."""
    lost_N111 = 8 - bits_N111.round().byte()
    return images_NCYX >> lost_N111 << lost_N111


def solarize(images_NCYX: Tensor, threshold_N111: Tensor) -> Tensor:
    """Inverted from a threshold on."""
    return torch.where(images_NCYX >= threshold_N111, 255 - images_NCYX, images_NCYX)


def invert(images_NCYX: Tensor, _: Tensor) -> Tensor:
    return 255 - images_NCYX


def auto_contrast(images_NCYX: Tensor, _: Tensor) -> Tensor:
    """Every channel stretched from 0 to 255, unless it is of one value."""
    low_NC11 = images_NCYX.amin((2, 3), keepdim=True).float()
    range_NC11 = images_NCYX.amax((2, 3), keepdim=True).float() - low_NC11
    scale_NC11 = 255 / range_NC11.clamp(min=1)
    stretched_NCYX = ((images_NCYX - low_NC11) * scale_NC11).clamp(0, 255).byte()
    return torch.where(range_NC11 > 0, stretched_NCYX, images_NCYX)


def equalize(images_NCYX: Tensor, _: Tensor) -> Tensor:
    """Every channel's values spread so that each range of them holds about as many pixels.

    Pixels are counted in steps, of which 255 make all but those of the highest value: a value
    becomes the number of steps below it. A channel with less than one pixel a step stays.
    """
    values_NCP = images_NCYX.flatten(2).long()
    count_NCV = torch.zeros(*values_NCP.shape[:2], 256, dtype=torch.int32, device=values_NCP.device)
    one = torch.ones_like(count_NCV[:1, :1, :1]).expand_as(values_NCP)
    count_NCV.scatter_add_(2, values_NCP, one)
    highest_NC1 = values_NCP.amax(2, keepdim=True)
    step_NC1 = (values_NCP.shape[2] - count_NCV.gather(2, highest_NC1)) // 255
    below_NCV = count_NCV.cumsum(2) - count_NCV
    steps_NCV = (below_NCV + step_NC1 // 2) // step_NC1.clamp(min=1)
    spread_NCP = steps_NCV.clamp(max=255).byte().gather(2, values_NCP)
    return torch.where(step_NC1[..., None] > 0, spread_NCP.view_as(images_NCYX), images_NCYX)


AUGMENTATIONS: dict[AugmentName, Callable[[Tensor, torch.Generator], Tensor]] = {
    "none": none,
    "crop": crop,
    "crop_flip": crop_flip,
    "autoaugment": autoaugment,
}

OPERATIONS: dict[str, tuple[Callable[[Tensor, Tensor], Tensor], float, float]] = {
    "nothing": (nothing, 0, 0),
    "shear_x": (shear_x, 0, 0.3),
    "shear_y": (shear_y, 0, 0.3),
    "translate_x": (translate_x, 0, 150 / 331),
    "translate_y": (translate_y, 0, 150 / 331),
    "rotate": (rotate, 0, 30),
    "brightness": (brightness, 0, 0.9),
    "color": (color, 0, 0.9),
    "contrast": (contrast, 0, 0.9),
    "sharpness": (sharpness, 0, 0.9),
    "posterize": (posterize, 8, 4),
    "solarize": (solarize, 255, 0),
    "auto_contrast": (auto_contrast, 0, 0),
    "equalize": (equalize, 0, 0),
    "invert": (invert, 0, 0),
}
"""What it does, and how much at magnitude 0 and at 9; in between evenly. What begins at 0 and ends
above goes either way: half of its amounts are negative."""

POLICY = """\
invert        0.1 0  contrast      0.2 6
rotate        0.7 2  translate_x   0.3 9
sharpness     0.8 1  sharpness     0.9 3
shear_y       0.5 8  translate_y   0.7 9
auto_contrast 0.5 0  equalize      0.9 0
shear_y       0.2 7  posterize     0.3 7
color         0.4 3  brightness    0.6 7
sharpness     0.3 9  brightness    0.7 9
equalize      0.6 0  equalize      0.5 0
contrast      0.6 7  sharpness     0.6 5
color         0.7 7  translate_x   0.5 8
equalize      0.3 0  auto_contrast 0.4 0
translate_y   0.4 3  sharpness     0.2 6
brightness    0.9 6  color         0.2 8
solarize      0.5 2  invert        0.0 0
equalize      0.2 0  auto_contrast 0.6 0
equalize      0.2 0  equalize      0.6 0
color         0.9 9  equalize      0.6 0
auto_contrast 0.8 0  solarize      0.2 8
brightness    0.1 3  color         0.7 0
solarize      0.4 5  auto_contrast 0.9 0
translate_y   0.9 9  translate_y   0.7 9
auto_contrast 0.9 0  solarize      0.8 3
equalize      0.8 0  invert        0.1 0
translate_y   0.7 9  auto_contrast 0.9 0
""".splitlines()
"""The sub-policies: two steps each, of an operation, its chance, its magnitude (0 for none)."""

STEPS = [[line.split()[:3] for line in POLICY], [line.split()[3:] for line in POLICY]]
MAGNITUDES = torch.stack([torch.linspace(low, high, 10) for _, low, high in OPERATIONS.values()])
SIGNED = (MAGNITUDES[:, 0] == 0) & (MAGNITUDES[:, 9] > 0)
OPERATION_2S = torch.tensor([[list(OPERATIONS).index(name) for name, *_ in s] for s in STEPS])
CHANCE_2S = torch.tensor([[float(chance) for _, chance, _ in s] for s in STEPS])
AMOUNT_2S = MAGNITUDES[OPERATION_2S, torch.tensor([[int(m) for *_, m in s] for s in STEPS])]

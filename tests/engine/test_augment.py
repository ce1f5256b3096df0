import itertools
from collections import Counter

import pytest
import torch
from torchvision.transforms import InterpolationMode
from torchvision.transforms import autoaugment as torchvision

from vitprune_core.engine.augment import (
    AUGMENTATIONS,
    MAGNITUDES,
    OPERATIONS,
    POLICY,
    SIGNED,
    applied,
    augment,
    crop_flip,
    drawn,
)
from vitprune_core.engine.seeds import generator

CIFAR10 = torchvision.AutoAugmentPolicy.CIFAR10
NAMES = list(OPERATIONS)
REAL = [name for name in NAMES if name != "nothing"]


def theirs(name):
    """translate_x -> TranslateX"""
    return name.title().replace("_", "")


def in_their_units(name, amount, side=32):
    """Pixels where ours is a share of the side, whole bits."""
    amount = amount * side if name.startswith("translate") else amount
    return round(amount) if name == "posterize" else amount


def by_torchvision(images, name, amount):
    amount = in_their_units(name, amount, images.shape[-1])
    nearest = InterpolationMode.NEAREST
    return torchvision._apply_op(images, theirs(name), amount, nearest, fill=None)


def ours(images, name, amount):
    count = len(images)
    return applied(images, torch.full((count,), NAMES.index(name)), torch.full((count,), amount))


def noise(count=8, channels=3, side=32):
    shape = (count, channels, side, side)
    return torch.randint(256, shape, generator=generator("noise"), dtype=torch.uint8)


def structured(side):
    """Ramps, a chessboard, rings, one value, nearly one value, a line: each as red, green and blue
    of one image with others, and as a gray image."""
    y, x = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    rings = ((x - 16) ** 2 + (y - 16) ** 2) // 3 % 256
    board = (x // 4 + y // 4) % 2 * 255
    one, white = torch.full_like(x, 77), torch.full_like(x, 255)
    kinds = torch.stack([x * 8, y * 8, board, rings, one, white, 100 + x % 7, (x == 3) * 200])
    mixed = torch.stack([kinds, kinds.roll(1, 0), kinds.roll(3, 0)], dim=1)
    return torch.cat([mixed, kinds[:, None].expand_as(mixed)]).byte()


def amounts(name):
    """Every magnitude with every sign: (magnitude, amount)."""
    for magnitude, amount in enumerate(MAGNITUDES[NAMES.index(name)].tolist()):
        yield magnitude, amount
        if SIGNED[NAMES.index(name)]:
            yield magnitude, -amount


def halfway(name, magnitude, side):
    """Rows of shear_x, columns of shear_y, that come from exactly between two pixels: the slope,
    magnitude / 30, times the middle of the row, place + 1/2, is a whole number and a half."""
    if not name.startswith("shear"):
        return torch.zeros(side, dtype=torch.bool)
    return magnitude * (2 * torch.arange(side) + 1) % 60 == 30


# The tables


def test_the_sub_policies_are_torchvisions():
    table = []
    for line in POLICY:
        a, p, m, b, q, n = line.split()
        table.append(((theirs(a), float(p), int(m)), (theirs(b), float(q), int(n))))
    policies = torchvision.AutoAugment(CIFAR10).policies
    assert table == [tuple((name, p, m or 0) for name, p, m in steps) for steps in policies]


def test_magnitudes_and_what_has_a_sign_are_torchvisions():
    space = torchvision.AutoAugment()._augmentation_space(10, (32, 32))
    assert set(space) == {theirs(name) for name in REAL}
    for name in REAL:
        magnitudes, signed = space[theirs(name)]
        amount = MAGNITUDES[NAMES.index(name)]
        if name.startswith("translate"):
            amount = amount * 32  # ours is a share of the side
        if name == "posterize":
            amount = amount.round()
        assert torch.equal(amount, magnitudes.float().expand(10)), name
        assert SIGNED[NAMES.index(name)] == signed, name


# The operations


@pytest.mark.parametrize("side", [28, 32])
@pytest.mark.parametrize("name", REAL)
def test_an_operation_at_every_magnitude_and_sign_is_torchvisions_to_the_byte(name, side):
    """But where shears fall halfway between two pixels: there the last bit of a float decides. It
    happens at magnitudes 2 and 6 alone."""
    images = torch.cat([noise(side=side), structured(side)])
    for magnitude, amount in amounts(name):
        differs = ours(images, name, amount) != by_torchvision(images, name, amount)
        either = halfway(name, magnitude, side)
        assert either.any() == (name.startswith("shear") and magnitude in (2, 6))
        by_line = differs.any(dim=(2 if name == "shear_y" else 3)).any(dim=0).any(dim=0)
        assert not (by_line & ~either).any(), (magnitude, amount)


def test_a_shear_halfway_between_two_pixels_takes_one_of_them():
    ramp = (torch.arange(32) * 8).byte().expand(1, 3, 32, 32)
    differs = ours(ramp, "shear_x", 0.2).int() - by_torchvision(ramp, "shear_x", 0.2).int()
    assert differs[..., :25].abs().max() <= 8  # the last seven may come from outside


def test_no_sub_policy_shears_halfway_between_two_pixels():
    steps = [step for line in POLICY for step in (line.split()[:3], line.split()[3:])]
    sheared = {(name, int(magnitude)) for name, _, magnitude in steps if name.startswith("shear")}
    assert sheared == {("shear_y", 7), ("shear_y", 8)}
    assert not any(halfway(name, magnitude, 32).any() for name, magnitude in sheared)


def test_operations_on_four_numbers():
    image = torch.tensor([0, 100, 200, 250], dtype=torch.uint8).view(1, 1, 2, 2).expand(1, 3, 2, 2)

    def of(name, amount=0.0):
        return ours(image, name, amount)[0, 0].flatten().tolist()

    assert of("nothing") == [0, 100, 200, 250]
    assert of("invert") == [255, 155, 55, 5]
    assert of("solarize", 200.0) == [0, 100, 55, 5]
    assert of("posterize", 4.0) == [0, 96, 192, 240]
    assert of("auto_contrast") == [0, 102, 204, 255]
    assert of("brightness", 0.5) == [0, 150, 255, 255]
    assert of("brightness", -0.5) == [0, 50, 100, 125]
    assert of("translate_x", 0.5) == [0, 0, 0, 200]
    assert of("translate_y", -0.5) == [200, 250, 0, 0]
    assert of("rotate", 90.0) == [100, 250, 0, 200]


def test_sharpness_away_from_the_blur_and_towards_it():
    image = torch.zeros(1, 3, 3, 3, dtype=torch.uint8)
    image[..., 1, 1] = 130  # its blur is 130 * 5 / 13 = 50
    assert ours(image, "sharpness", -0.5)[0, 0].tolist() == [[0, 0, 0], [0, 90, 0], [0, 0, 0]]
    assert ours(image, "sharpness", 0.5)[0, 0].tolist() == [[0, 0, 0], [0, 170, 0], [0, 0, 0]]


def test_every_image_has_its_own_operation_and_amount():
    images = torch.full((4, 3, 8, 8), 100, dtype=torch.uint8)
    operation = torch.tensor(
        [NAMES.index(n) for n in ("invert", "brightness", "nothing", "brightness")]
    )
    out = applied(images, operation, torch.tensor([0, 0.5, 0, -0.5]))
    assert out[:, 0, 0, 0].tolist() == [155, 150, 100, 50]


# What is drawn


def expected():
    """(operation, amount) of both steps -> chance, from torchvision's tables."""
    space = torchvision.AutoAugment()._augmentation_space(10, (32, 32))

    def step(name, p, magnitude):
        magnitudes, signed = space[name]
        amount = round(magnitudes[magnitude].item(), 3) if magnitude is not None else 0
        return [(None, 1 - p)] + [
            ((name, amount * s), p / (1 + signed)) for s in (1, -1)[: 1 + signed]
        ]

    chances = Counter()
    for first, second in torchvision.AutoAugment(CIFAR10).policies:
        for (a, p), (b, q) in itertools.product(step(*first), step(*second)):
            chances[a, b] += p * q / 25
    return +chances


def draws_of_ours(count):
    def name(operation, amount):
        name = NAMES[operation]
        return None if name == "nothing" else (theirs(name), round(in_their_units(name, amount), 3))

    steps = drawn(count, generator("policy"))
    named = [[name(*both) for both in zip(o.tolist(), a.tolist(), strict=True)] for o, a in steps]
    return Counter(zip(*named, strict=True))


def draws_of_torchvision(count, monkeypatch):
    """One by one: what it would have done to an image, written down."""
    told, auto = Counter(), torchvision.AutoAugment(CIFAR10)

    def tell(image, name, amount, **_):
        told[name, round(amount, 3)] += 1
        return image

    space, image = auto._augmentation_space(10, (32, 32)), noise(1)[0]
    monkeypatch.setattr(auto, "_augmentation_space", lambda *_: space)  # else most of the time
    monkeypatch.setattr(torchvision, "_apply_op", tell)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        for _ in range(count):
            auto(image)
    return told


def test_both_steps_of_50_000_images_are_drawn_as_the_table_says():
    count, chances = 50_000, expected()
    seen = draws_of_ours(count)
    assert set(seen) == set(chances)
    chi = sum((seen[both] - count * p) ** 2 / (count * p) for both, p in chances.items())
    free = len(chances) - 1
    assert chi < free + 5 * (2 * free) ** 0.5  # mean and spread of chi squared


def test_operations_are_drawn_as_often_as_torchvision_draws_them(monkeypatch):
    count, seen = 20_000, Counter()
    for both, times in draws_of_ours(count).items():
        for step in filter(None, both):
            seen[step] += times
    them = draws_of_torchvision(count, monkeypatch)
    assert set(seen) == set(them)
    chi = sum((seen[step] - them[step]) ** 2 / (seen[step] + them[step]) for step in them)
    assert chi < len(them) + 5 * (2 * len(them)) ** 0.5


# The whole


@pytest.mark.parametrize("how", AUGMENTATIONS)
def test_bytes_in_and_new_bytes_out(how):
    images = noise(64)
    before = images.clone()
    out = augment(images, how, generator(0))
    assert (out.shape, out.dtype) == (images.shape, torch.uint8)
    assert torch.equal(images, before)
    assert torch.equal(out, images) == (how == "none")


@pytest.mark.parametrize("how", ["crop", "crop_flip", "autoaugment"])
def test_the_same_seed_gives_the_same_bytes_and_another_does_not(how):
    images = noise(64)
    assert torch.equal(augment(images, how, generator(0)), augment(images, how, generator(0)))
    assert not torch.equal(augment(images, how, generator(0)), augment(images, how, generator(1)))


@pytest.mark.parametrize("how", ["crop", "crop_flip", "autoaugment"])
def test_an_image_does_not_depend_on_the_others(how):
    images = noise(64)
    others = 255 - images
    others[10:20] = images[10:20]
    a, b = augment(images, how, generator(0)), augment(others, how, generator(0))
    assert torch.equal(a[10:20], b[10:20])


def test_autoaugment_is_crop_and_flip_then_torchvision_image_by_image():
    images, draw = torch.cat([noise(200), *[structured(32)] * 5]), generator(0)
    wanted = list(crop_flip(images, draw))
    for operation, amount in drawn(len(images), draw):
        for i, (row, much) in enumerate(zip(operation.tolist(), amount.tolist(), strict=True)):
            if NAMES[row] != "nothing":
                wanted[i] = by_torchvision(wanted[i], NAMES[row], much)
    assert torch.equal(augment(images, "autoaugment", generator(0)), torch.stack(wanted))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_crop_is_one_of_the_windows_of_the_image_in_zeros(channels):
    image = torch.arange(1, 65, dtype=torch.uint8).view(1, 1, 8, 8).expand(-1, channels, -1, -1)
    framed = torch.nn.functional.pad(image[0], [1] * 4)
    windows = [framed[:, y : y + 8, x : x + 8].tolist() for y in range(3) for x in range(3)]
    out = augment(image.expand(900, -1, -1, -1), "crop", generator(0)).tolist()
    seen = [out.count(window) for window in windows]
    assert sum(seen) == 900
    assert min(seen) > 70
    assert max(seen) < 130


@pytest.mark.parametrize(("side", "most"), [(8, 1), (28, 3), (32, 4)])
def test_a_crop_moves_by_up_to_an_eighth(side, most):
    white = torch.full((500, 1, side, side), 255, dtype=torch.uint8)
    rows = (augment(white, "crop", generator(0)).amax(3) > 0).sum(dim=2)
    assert (rows.min(), rows.max()) == (side - most, side)


@pytest.mark.parametrize("channels", [1, 3])
def test_about_half_of_the_crops_are_mirrored_and_the_others_are_not(channels):
    images = noise(1000, channels, side=8)
    crops, out = (augment(images, how, generator(0)) for how in ("crop", "crop_flip"))
    mirrored = (out == crops.flip(-1)).flatten(1).all(dim=1)
    assert torch.equal(out[~mirrored], crops[~mirrored])
    assert 450 < mirrored.sum() < 550


@pytest.mark.parametrize("how", AUGMENTATIONS)
def test_no_value_of_the_device_is_waited_for(how):
    """Tensors on "meta" have no values: whoever asks for one, or for how many are true, raises."""
    out = augment(noise(128).to("meta"), how, generator(0))
    assert (out.shape, out.dtype) == ((128, 3, 32, 32), torch.uint8)

"""What `auto` means on this machine: `python -m vitprune_core.engine.resolved < CONFIG`.

One JSON object on stdout: device, precision and kernels; or, with exit code 2, why not.
"""

import json
import sys

import yaml

from vitprune_core.engine.device import DeviceError, resolve
from vitprune_core.spec.config import AUTO, Config


def main() -> int:
    try:
        config = resolve(Config.model_validate(yaml.safe_load(sys.stdin), strict=False))
    except DeviceError as error:
        print(error)
        return 2
    print(json.dumps({key: getattr(config, key) for key in AUTO}))
    return 0


if __name__ == "__main__":
    sys.exit(main())

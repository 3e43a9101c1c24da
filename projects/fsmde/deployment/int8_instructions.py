"""Whether a processor has instructions for sums of int8 products."""

import platform

#: As /proc/cpuinfo names them: x86's VNNI (with 512 and with 256 bits) and AMX, ARM's dot product and matrix product.
_NAMES = {'avx512_vnni', 'avx_vnni', 'amx_int8', 'asimddp', 'i8mm'}
_LISTS = {'flags', 'Features'}


def int8_instructions(cpuinfo: str = '/proc/cpuinfo') -> list:
    """Those that the processor has, sorted; None where that cannot be told: no Linux, or a file without such a list.

    Args:
        cpuinfo: The file to read.
    """
    if platform.system() != 'Linux':
        return None
    try:
        with open(cpuinfo, errors='replace') as file:
            for line in file:
                name, _, values = line.partition(':')
                if name.strip() in _LISTS:
                    return sorted(_NAMES.intersection(values.split()))
    except OSError:
        pass
    return None

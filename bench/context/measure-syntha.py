"""Measures Syntha's published context mesh in memory, with global entries, and prints one line of JSON, per second.

The names mean what they do in the figures that are quoted of it: push is of a new key, update a push of one that stands
(there is no compare-and-swap), list all keys of an agent. As for ours in memory, a second is one of the processor.

python3 measure-syntha.py [entries] [seconds each], after `pip install syntha`. Ends with 3 where that is missing.
"""

# Not named syntha.py, which would be imported instead of the package.
import json
import random
import sys
import time
from importlib import metadata

try:
    import syntha
    from syntha.context import ContextItem
except ImportError as error:
    print(f"syntha cannot be imported: {error}", file=sys.stderr)
    sys.exit(3)

count = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
seconds = float(sys.argv[2]) if len(sys.argv) > 2 else 1.0
value = {"text": "x" * 200}
keys = [f"orders.{i}.status" for i in range(count)]
chance = random.Random(1)

mesh = syntha.ContextMesh(enable_persistence=False)
# Filled by hand: a push, as a restart, looks for each key in the list of all, which makes filling O(n²).
for key in keys:
    mesh._data[key] = ContextItem(value)
    mesh._global_keys.append(key)


def push():
    # As long as the others: comparing them takes as long.
    key = f"orders.{chance.randrange(count)}.placed"
    mesh.push(key, value)
    # Taken out at once, which is O(1) here, so that their number stays.
    del mesh._data[key]
    mesh._global_keys.pop()


def per_second(act):
    began = time.process_time()
    done = 0
    while (spent := time.process_time() - began) < seconds:
        act()
        done += 1
    return round(done / spent, 1)


def version():
    try:
        return metadata.version("syntha")
    except metadata.PackageNotFoundError:
        return getattr(syntha, "__version__", "of unknown version")


figures = {
    "version": version(),
    "keys": count,
    "push": per_second(push),
    "update": per_second(lambda: mesh.push(chance.choice(keys), value)),
    "list": per_second(lambda: mesh.get_keys_for_agent("Bench")),
    "stats": per_second(mesh.get_stats),
}
found = len(mesh.get_keys_for_agent("Bench")), mesh.get_stats()["global_items"]
if found != (count, count):
    raise RuntimeError(f"of {count} entries it lists {found[0]} and counts {found[1]}")
print(json.dumps(figures))

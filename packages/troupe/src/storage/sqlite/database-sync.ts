/**
 * `node:sqlite`, which Nodes too old for this release lack. An import of it would fail before anything of ours can speak;
 * so whoever imports the package there gets a sentence. The writer thread loads it too: imports nothing.
 */
if (Number(process.versions.node.split('.')[0]) < 24) {
  const error = new Error(
    `Troupe needs Node 24 or newer, and this is Node ${process.versions.node}. Install Node 24 from https://nodejs.org and try again.`,
  )
  // Where it was noticed helps nobody.
  error.stack = String(error)
  throw error
}

export const { DatabaseSync, backup } = process.getBuiltinModule('node:sqlite')
export type DatabaseSync = InstanceType<typeof DatabaseSync>

/**
 * Loads `node:sqlite`, which unsupported versions of Node lack. A static import would fail with an unclear error; this
 * module throws a readable one. The writer thread loads it too, so it imports no other module.
 */
if (Number(process.versions.node.split('.')[0]) < 24) {
  const error = new Error(
    `Troupe needs Node 24 or newer, and this is Node ${process.versions.node}. Install Node 24 from https://nodejs.org and try again.`,
  )
  // The stack would not help the reader of the message.
  error.stack = String(error)
  throw error
}

export const { DatabaseSync, backup } = process.getBuiltinModule('node:sqlite')
export type DatabaseSync = InstanceType<typeof DatabaseSync>

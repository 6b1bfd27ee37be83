/** Makes the secrets that the Compose files mount, in secrets/ beside this file; those that are there stay as they are. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const folder = join(process.argv[2] ?? import.meta.dirname, 'secrets')
mkdirSync(folder, { recursive: true, mode: 0o700 })
for (const name of ['server_key', 'encryption_key', 'postgres_password', 'owner_password', 'database_password']) {
  try {
    // The image's user reads them: the folder alone keeps others out.
    writeFileSync(join(folder, name), randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o644 })
    process.stdout.write(`made ${join(folder, name)}\n`)
  } catch (error) {
    if (error.code !== 'EEXIST') throw error
  }
}
